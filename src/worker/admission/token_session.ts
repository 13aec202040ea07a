import { type Clock, systemClock } from "../../observe/mod.ts";
import { unauthenticated } from "../../policy/mod.ts";
import type { AuthenticationError } from "../../errors/mod.ts";

/**
 * How long the token of one subject lasts on one connection: a later token of the same subject, with any call,
 * extends it for the streams that are running.
 */
export class TokenSession {
  #until: number;

  /** @param until When it ends, in milliseconds since the epoch. */
  constructor(until: number) {
    this.#until = until;
  }

  /** A token of the same subject was verified. */
  renewed(until: number): void {
    if (until > this.#until) this.#until = until;
  }

  /**
   * Insists that the session is not over: the body of a call may come long after its header section.
   *
   * @throws {AuthenticationError} `token-expired`.
   */
  insist(clock: Clock = systemClock): void {
    if (clock.now() >= this.#until) throw ended();
  }

  /** Calls `onEnd` once the session is over, unless disposed of before. */
  watch(onEnd: (error: AuthenticationError) => void, clock: Clock = systemClock): Disposable {
    let timer: Disposable | undefined;
    const look = () => {
      const leftMs = this.#until - clock.now();
      if (leftMs > 0) timer = clock.schedule(look, leftMs, { background: true });
      else onEnd(ended());
    };
    look();
    return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
  }
}

function ended(): AuthenticationError {
  return unauthenticated("token-expired", "the token has expired while the call ran");
}

/** Subjects whose sessions a connection remembers. */
const MAX_SESSIONS = 256;

/** The sessions of a connection, by subject. */
export class TokenSessions {
  readonly #sessions = new Map<string, TokenSession>();

  /** The session of a token's subject, made or extended; a token that names no subject has one of its own. */
  of(claims: Readonly<Record<string, unknown>>, until: number): TokenSession {
    if (claims.sub === undefined) return new TokenSession(until);
    const subject = JSON.stringify([claims.iss ?? null, claims.sub]);
    const known = this.#sessions.get(subject);
    if (known !== undefined) {
      known.renewed(until);
      return known;
    }
    if (this.#sessions.size === MAX_SESSIONS) {
      const [oldest] = this.#sessions.keys();
      this.#sessions.delete(oldest!);
    }
    const session = new TokenSession(until);
    this.#sessions.set(subject, session);
    return session;
  }
}
