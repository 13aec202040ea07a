import { addressGroup } from "../channel/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import { type Clock, type PeerRef, systemClock } from "../observe/mod.ts";
import type { AcceptedPeer } from "../peer/mod.ts";
import type { PolicySubject, PresentingPeer, VerifiedToken } from "../policy/mod.ts";
import type { CallPeer, UnreadBytes } from "../routine/mod.ts";
import { type TokenSession, TokenSessions } from "./admission/token_session.ts";
import { present } from "../values/mod.ts";

/** How the calls of a peer are judged. */
export interface ConnectedPeerOptions {
  /** Whether it calls without identity where a worker migrates to TLS. Default: `false`. */
  readonly anonymous?: boolean;
  /** Whether it is the worker itself. Default false. */
  readonly own?: boolean;
  /** What its tokens end by. Default: the machine's clock. */
  readonly clock?: Clock;
  /** Counts what it sent to routines that have not read it. Default: each stream by itself. */
  readonly unread?: UnreadBytes;
}

/** A peer of this worker, as its calls see it: made once a connection. */
export class ConnectedPeer {
  /** Who it is, as routines see it. */
  readonly caller: CallPeer;
  /** Who it is among peers, over however many connections: its identity, and the host it is at. */
  readonly key: string;
  /** Who it is, as events name it. */
  readonly ref: PeerRef;
  /** What its calls without a token are admitted with where no policy decides about them. */
  readonly admitted: AuthenticatedCall;
  /** Who it is, as what verifies tokens sees it. */
  readonly presenting: PresentingPeer;
  /** Whether it calls without identity where a worker migrates to TLS. */
  readonly anonymous: boolean;
  /** Whether it is the worker itself, whose running calls may make others while it leaves. */
  readonly own: boolean;
  /** Counts what it sent to routines that have not read it. */
  readonly unread: UnreadBytes | undefined;
  readonly #identity: AcceptedPeer["identity"];
  readonly #clock: Clock;
  /** Made with the first token: most peers show none. */
  #sessions: TokenSessions | undefined;
  /** What its calls with one token are admitted with, made once a token. */
  #withToken: WeakMap<VerifiedToken, AuthenticatedCall> | undefined;

  constructor(
    { identity, remoteAddress, facts }: AcceptedPeer,
    { anonymous = false, own = false, clock = systemClock, unread }: ConnectedPeerOptions = {},
  ) {
    this.unread = unread;
    this.anonymous = anonymous;
    this.own = own;
    this.#clock = clock;
    this.caller = Object.freeze({
      ...(identity === undefined ? {} : { identity: identity.name }),
      names: identity?.names ?? [],
      address: remoteAddress,
      security: facts.security,
    });
    this.ref = {
      address: remoteAddress,
      ...(identity === undefined ? {} : { identity: escapePeerText(identity.name) }),
    };
    this.key = peerKey({ identity, remoteAddress });
    this.#identity = identity;
    this.admitted = { peer: this, subject: { identity, claims: undefined } };
    const { fingerprint } = identity ?? {};
    this.presenting = fingerprint === undefined ? this.caller : { ...this.caller, fingerprint };
  }

  /** What a call with a token that was verified is admitted with. */
  admittedWith(verified: VerifiedToken): AuthenticatedCall {
    const withToken = this.#withToken ??= new WeakMap();
    const known = withToken.get(verified);
    if (known !== undefined) return known;
    const { claims, expiresAt, payloadDigest } = verified;
    const sessions = this.#sessions ??= new TokenSessions(this.#clock);
    const admitted: AuthenticatedCall = {
      peer: this,
      subject: { identity: this.#identity, claims },
      claims,
      ...(expiresAt === undefined ? {} : { session: sessions.of(claims, expiresAt) }),
      ...present({ payloadDigest }),
    };
    withToken.set(verified, admitted);
    return admitted;
  }
}

/** Who a peer is among peers, over however many connections. */
export function peerKey(
  { identity, remoteAddress }: Pick<AcceptedPeer, "identity" | "remoteAddress">,
): string {
  // A host of IPv6 has as many addresses as it likes: a certificate is not a peer anew at each of them.
  return `${identity?.name ?? ""} ${addressGroup(remoteAddress) ?? remoteAddress}`;
}

/** Who makes a call, as far as its connection and its token tell. */
export interface AuthenticatedCall {
  readonly peer: ConnectedPeer;
  /** Who calls, as a policy judges it. */
  readonly subject: PolicySubject;
  /** The claims of the caller's token, where one was verified. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** How long the token lasts, where it ends. */
  readonly session?: TokenSession;
  /** SHA-256 over the encoded arguments that the token was made for, lower-case hexadecimal. */
  readonly payloadDigest?: string;
  /** Whether the caller has proven nothing, so that it learns nothing of what is served. */
  readonly unproven?: boolean;
}
