import { escapePeerText } from "../errors/mod.ts";
import type { ChannelSecurity } from "../observe/mod.ts";
import type { PeerConnection, PeerListener } from "../peer/mod.ts";
import { present } from "../values/mod.ts";

/** One connection of a worker, as it is at a moment. */
export interface WorkerPeer {
  /** The address it comes from. */
  readonly address: string;
  /** Who it has proven to be; absent where nothing was proven. */
  readonly identity?: string;
  /** How it is protected. */
  readonly security: ChannelSecurity;
  /** The version of TLS that it speaks, `TLSv1.3` for instance; absent without TLS. */
  readonly protocol?: string;
  /**
   * The group of the key exchange by its IANA name, `x25519` or `X25519MLKEM768` for instance; `unknown` with TLS 1.2
   * and with `nativeTls`; absent without TLS.
   */
  readonly keyExchange?: string;
  /** When it was accepted, milliseconds since the epoch. */
  readonly since: number;
  /** The calls that it has under way. */
  readonly calls: number;
  /** When its certificate ends, milliseconds since the epoch; absent where it showed none. */
  readonly certificateEnds?: number;
  /** The generation of the listener that accepted it. */
  readonly generation: number;
  /** Whether it takes new calls. */
  readonly takesCalls: boolean;
}

/** Every connection of some listeners. */
export function workerPeers(listeners: readonly PeerListener[]): readonly WorkerPeer[] {
  return listeners.flatMap((listener) => listener.connections().map(snapshot));
}

/** The connections over TLS that stand, by the group of their key exchange. */
export function keyExchanges(listeners: readonly PeerListener[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { peer } of listeners.flatMap((listener) => listener.connections())) {
    const group = peer.facts.tls?.keyExchange;
    if (group !== undefined) counts[group] = (counts[group] ?? 0) + 1;
  }
  return counts;
}

function snapshot({ peer, connection, generation, takesCalls }: PeerConnection): WorkerPeer {
  const { identity, remoteAddress, facts, since } = peer;
  return {
    address: remoteAddress,
    ...(identity === undefined ? {} : {
      identity: escapePeerText(identity.name),
      certificateEnds: Date.parse(identity.certificate.notAfter),
    }),
    security: facts.security,
    ...present({ protocol: facts.tls?.version, keyExchange: facts.tls?.keyExchange }),
    since,
    calls: connection.streamCount,
    generation,
    takesCalls,
  };
}
