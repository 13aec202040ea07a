import type { ChannelFacts } from "../channel/mod.ts";
import type { ServerConnection } from "../http2/mod.ts";
import type { PeerIdentity } from "../identity/mod.ts";

/** A client that is proven and allowed, or one of whom the listener asks no proof. */
export interface AcceptedPeer {
  /** Its number on this listener, rising by one. */
  readonly id: number;
  /** Who it is; absent where the listener asks for no certificate. */
  readonly identity: PeerIdentity | undefined;
  /** How the connection is protected, and what was negotiated. */
  readonly facts: ChannelFacts;
  /** The address it comes from. */
  readonly remoteAddress: string;
  /** When it was accepted, milliseconds since the epoch. */
  readonly since: number;
}

/** A connection of an accepted peer, as a listener shows it. */
export interface PeerConnection {
  /** Who is at the other end. */
  readonly peer: AcceptedPeer;
  /** Its HTTP/2 connection. */
  readonly connection: ServerConnection;
  /** The generation of the listener that accepted it. */
  readonly generation: number;
  /** Whether it takes new calls: not once its generation is left behind, its trust is gone or it is old. */
  readonly takesCalls: boolean;
}
