import type { CallAuthorization } from "./authorization.ts";
import type { PolicySubject } from "../policy/mod.ts";
import type { ConnectedPeer } from "./connected_peer.ts";
import type { TokenSession } from "./token_session.ts";

/** Who makes a call, as far as its connection and its token tell. */
export interface AuthenticatedCall {
  /** Who calls. */
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

/** What a call was admitted with. */
export interface AdmittedCall extends AuthenticatedCall {
  /** What decides about the routine that its envelope names, where a policy does. */
  readonly authorization?: CallAuthorization;
}
