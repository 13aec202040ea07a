import { createHash } from "node:crypto";
import { type Clock, whenDue } from "../../observe/mod.ts";
import { unauthenticated } from "../../policy/mod.ts";
import type { AuthenticationError } from "../../errors/mod.ts";

/**
 * How long the token of one caller lasts on one connection. A later token that says the same extends it for the
 * streams that are running.
 */
export class TokenSession {
  readonly #clock: Clock;
  #until: number;

  /** @param until When it ends, in milliseconds since the epoch, by `clock`. */
  constructor(until: number, clock: Clock) {
    this.#until = until;
    this.#clock = clock;
  }

  /** A token that says the same was verified. */
  renewed(until: number): void {
    if (until > this.#until) this.#until = until;
  }

  /**
   * Insists that the session is not over: the body of a call may come long after its header section.
   *
   * @throws {AuthenticationError} `token-expired`.
   */
  insist(): void {
    if (this.#clock.now() >= this.#until) throw ended();
  }

  /** Calls `onEnd` once the session is over, unless disposed of before. */
  watch(onEnd: (error: AuthenticationError) => void): Disposable {
    const leftMs = () => this.#until - this.#clock.now();
    if (leftMs() > 0) {
      return whenDue(this.#clock, leftMs, () => onEnd(ended()), { background: true });
    }
    onEnd(ended());
    return { [Symbol.dispose]: () => {} };
  }
}

function ended(): AuthenticationError {
  return unauthenticated("token-expired", "the token has expired while the call ran");
}

/** Sessions that a connection remembers. */
const MAX_SESSIONS = 256;

/**
 * The claims that tell a token from the one before it (RFC 7519 §4.1). All others must stay the same: a stream
 * was admitted by the claims that opened it, so no token with fewer rights may keep it running.
 */
const OF_ONE_TOKEN: ReadonlySet<string> = new Set(["exp", "iat", "jti", "nbf"]);

/** The sessions of a connection, by what their tokens claim. */
export class TokenSessions {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, TokenSession>();

  /** @param clock What tokens end by. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The session of tokens that claim this, made or extended. A token without a subject has a session of its own.
   */
  of(claims: Readonly<Record<string, unknown>>, until: number): TokenSession {
    const key = claims["sub"] === undefined ? undefined : lastingClaims(claims);
    if (key === undefined) return new TokenSession(until, this.#clock);
    const known = this.#sessions.get(key);
    if (known !== undefined) {
      known.renewed(until);
      return known;
    }
    if (this.#sessions.size === MAX_SESSIONS) {
      const [oldest] = this.#sessions.keys();
      this.#sessions.delete(oldest!);
    }
    const session = new TokenSession(until, this.#clock);
    this.#sessions.set(key, session);
    return session;
  }
}

/**
 * What tokens that renew each other have in common: the digest of their claims in an order of its own, so that a
 * connection remembers little of each; `undefined` for claims that JSON cannot write, which a function may give.
 */
function lastingClaims(claims: Readonly<Record<string, unknown>>): string | undefined {
  const lasting = Object.entries(claims).filter(([name]) => !OF_ONE_TOKEN.has(name));
  try {
    const text = JSON.stringify(Object.fromEntries(lasting), inOrder);
    return createHash("sha256").update(text).digest("base64");
  } catch {
    return undefined;
  }
}

function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1));
}
