import type { ChannelFacts } from "../../channel/mod.ts";
import type { CredentialMaterial } from "../../credentials/mod.ts";
import type { ClientConnection } from "../../http2/mod.ts";
import type { PeerIdentity } from "../../identity/mod.ts";
import type { PeerRefused } from "../judge.ts";

/** A worker that is proven and takes us, with an HTTP/2 connection to it. */
export interface DialledPeer {
  /** The connection; nothing was written to it before the worker was proven. */
  readonly connection: ClientConnection;
  /** Who the worker is; absent where there is no TLS. */
  readonly identity: PeerIdentity | undefined;
  /** How the connection is protected, and what was negotiated. */
  readonly facts: ChannelFacts;
  /** The last millisecond at which the worker's chain is valid; absent without TLS. */
  readonly validUntil: number | undefined;
  /** Judges the worker now, by another version of our credentials. */
  readonly judgedBy: (material: CredentialMaterial) => PeerVerdict;
}

/** Whether a worker is proven, and until when. */
export type PeerVerdict = Proven | PeerRefused;

/** A worker that is proven, or has nothing to prove. */
export interface Proven {
  readonly trusted: true;
  /** The last millisecond at which the proof is valid, since the epoch; absent where there is nothing to prove. */
  readonly validUntil?: number;
}
