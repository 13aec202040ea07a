import type { SocketOwnership, TlsFacts } from "../../channel/mod.ts";
import type { DiscoveredWorker } from "../../discovery/mod.ts";
import type { WorkerRef } from "../../errors/mod.ts";
import type { ClientConnection, ConnectionState } from "../../http2/mod.ts";
import type { ChannelSecurity, PeerRef } from "../../observe/mod.ts";
import type { PeerRefused, PeerVerdict } from "../../peer/mod.ts";
import type { AbortEvents } from "../../values/mod.ts";

/** A connection to a worker that is proven and takes us. */
export interface Link {
  /** The connection. */
  readonly connection: ClientConnection;
  /** The worker's id, where it or its announcement has given it. */
  readonly id: string | undefined;
  /** The worker's tags, as it or its announcement has given them. */
  readonly tags: readonly string[];
  /** Its routines, with and without their versions, and its services, one a line, in order; absent where it has not said them. */
  readonly serves?: string;
  /** Who the worker has proven to be, as patterns write it; absent where nothing was proven. */
  readonly identity: string | undefined;
  /** The worker, as events name it, where it says that it verifies no tokens. */
  readonly ignoresTokens?: PeerRef;
  /** How the connection is protected. */
  readonly security: ChannelSecurity;
  /** What was negotiated, with the chain that the worker showed; absent without TLS. */
  readonly tls?: TlsFacts;
  /** The unix socket that was dialled, and whose it was just before. */
  readonly socket?: { readonly path: string; readonly dialled: SocketOwnership };
  /** When the worker's proof ends, in milliseconds since the epoch. */
  readonly validUntil: number | undefined;
  /** Judges the worker now, by the credentials of now. */
  readonly judge: () => PeerVerdict;
  /** Why the worker's calls are cut off when their grace is over; set once it is trusted no longer. */
  distrustedFor?: PeerRefused;
}

/** Connects to a worker; throws a {@linkcode HandshakeError} or a {@linkcode WorkerUnavailable}. */
export type Dial = (
  worker: DiscoveredWorker,
  request: { readonly signal: AbortEvents; readonly onState: (state: ConnectionState) => void },
) => Promise<Link>;

/** Which worker, as errors and events name one that was only announced. */
export function workerRef(
  { address, id }: { readonly address: string; readonly id?: string | undefined },
): WorkerRef {
  return id === undefined ? { address } : { address, id };
}
