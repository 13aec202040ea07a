import { AuthenticationError, escapePeerText, Overloaded } from "../../errors/mod.ts";
import type { HeaderList } from "../../http2/mod.ts";
import type { Clock, Observer } from "../../observe/mod.ts";
import {
  type Authenticator,
  type PresentedCall,
  tokenDigestOf,
  unauthenticated,
  type VerifiedToken,
} from "../../policy/mod.ts";
import { present } from "../../values/mod.ts";
import type { AuthenticatedCall, ConnectedPeer } from "../connected_peer.ts";

/** What authenticating calls takes. */
export interface AuthenticationOptions {
  /** Verifies tokens. Default: none is asked for, and none is read. */
  readonly authenticator: Authenticator | undefined;
  readonly workerId: string;
  /** When the worker began, where another one before it may have had its id. Default: none had. */
  readonly idSince?: number | undefined;
  readonly observer: Observer;
  readonly clock: Clock;
}

/** What a call was admitted with, or why it is refused. */
export type Authenticated = AuthenticatedCall | AuthenticationError | Overloaded;

const MISSING = unauthenticated(
  "token-missing",
  "the worker requires a token, and the call has none",
);
const UNPROVEN = unauthenticated(
  "peer-unauthenticated",
  "the worker requires a client certificate beside the token",
);
const IN_THE_CLEAR = unauthenticated(
  "token-over-plaintext",
  "the token arrived over a connection that is not encrypted; it must be regarded as known to others",
);
const NOT_BEARER = unauthenticated(
  "token-malformed",
  "authorization must be given once, as Bearer with a token",
);

/** What a request presents. */
type Bearer = Required<Pick<PresentedCall, "token" | "tokenDigest">>;

/** Who calls, as far as tokens tell: asked of every call at its header section. */
export class Authentication {
  readonly #options: AuthenticationOptions;
  readonly #bearers = new WeakMap<HeaderList, Bearer>();
  #ignored = false;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /**
   * Whether a call that carries no token is one that may look at the worker's description in full: where
   * tokens are required, only a caller whose connection proves its identity.
   */
  provenWithout(peer: ConnectedPeer): boolean {
    return this.#options.authenticator === undefined || peer.caller.identity !== undefined;
  }

  /** What a call is admitted with; at once where its token was verified before. */
  check(
    fields: HeaderList,
    peer: ConnectedPeer,
    routine: string,
  ): Authenticated | Promise<Authenticated> {
    const { authenticator } = this.#options;
    const at = authorizationOf(fields);
    if (authenticator === undefined) {
      if (at >= 0) this.#tokenIgnored(peer);
      return peer.admitted;
    }
    const proven = peer.caller.identity !== undefined;
    if (authenticator.require === "both" && !proven) return this.#refused(UNPROVEN, peer, routine);
    if (at < 0) {
      if (authenticator.require === "either" && proven) return peer.admitted;
      return this.#refused(MISSING, peer, routine);
    }
    if (peer.caller.security === "plaintext") return this.#refused(IN_THE_CLEAR, peer, routine);
    const bearer = this.#bearerOf(fields, at);
    if (bearer === undefined) return this.#refused(NOT_BEARER, peer, routine);
    return this.#verify(authenticator, bearer, peer, routine);
  }

  /** The refusal of a token that an anonymous caller sends in the clear: it is not read. */
  inTheClear(peer: ConnectedPeer, routine: string): Authenticated {
    return this.#refused(IN_THE_CLEAR, peer, routine);
  }

  #verify(
    { authenticate }: Authenticator,
    { token, tokenDigest }: Bearer,
    peer: ConnectedPeer,
    routine: string,
  ): Authenticated | Promise<Authenticated> {
    const { workerId, idSince, clock } = this.#options;
    try {
      const verified = authenticate({
        token,
        tokenDigest,
        routine,
        peer: peer.presenting,
        workerId,
        now: clock.now(),
        ...present({ idSince }),
      });
      if (!(verified instanceof Promise)) return this.#admitted(verified, peer, routine);
      return verified.then(
        (verified) => this.#admitted(verified, peer, routine),
        (error) => this.#refused(error, peer, routine),
      );
    } catch (error) {
      return this.#refused(error, peer, routine);
    }
  }

  /** Made once a header list: a connection gives the same list for requests with the same fields. */
  #bearerOf(fields: HeaderList, at: number): Bearer | undefined {
    const known = this.#bearers.get(fields);
    if (known !== undefined) return known;
    const token = bearerToken(fields, at);
    if (token === undefined) return undefined;
    const bearer = { token, tokenDigest: tokenDigestOf(token) };
    this.#bearers.set(fields, bearer);
    return bearer;
  }

  #admitted(verified: VerifiedToken, peer: ConnectedPeer, routine: string): Authenticated {
    const { claims, expiresAt } = verified ?? {};
    // No time is later than one that is no number: the token would hold for ever.
    const ends = expiresAt === undefined ||
      typeof expiresAt === "number" && !Number.isNaN(expiresAt);
    if (typeof claims !== "object" || claims === null || !ends) {
      return this.#refused(undefined, peer, routine);
    }
    return peer.admittedWith(verified);
  }

  #refused(error: unknown, peer: ConnectedPeer, routine: string): Authenticated {
    if (error instanceof Overloaded) return error;
    // What a hook throws is its own business: it may quote the token.
    const refusal = error instanceof AuthenticationError
      ? error
      : unauthenticated("token-invalid", "the token was not accepted");
    this.#options.observer.emit({
      type: "dispatch.unauthenticated",
      routine: escapePeerText(routine),
      peer: peer.ref,
      reason: refusal.reason,
    });
    return refusal;
  }

  #tokenIgnored(peer: ConnectedPeer): void {
    if (this.#ignored) return;
    this.#ignored = true;
    this.#options.observer.emit({
      type: "security.token-ignored",
      side: "worker",
      peer: peer.ref,
    });
  }
}

/** Where the header's `authorization` is, name and value taking turns; -1 where there is none. */
export function authorizationOf(fields: HeaderList, from = 0): number {
  for (let at = from; at < fields.length; at += 2) {
    if (fields[at] === "authorization") return at;
  }
  return -1;
}

/** The token of the only `authorization` field (RFC 6750 §2.1); the scheme's case does not count. */
function bearerToken(fields: HeaderList, at: number): string | undefined {
  if (authorizationOf(fields, at + 2) >= 0) return undefined;
  return /^bearer +([\x21-\x7e]+) *$/i.exec(fields[at + 1] ?? "")?.[1];
}
