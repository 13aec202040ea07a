import { type Address, formatAddress, parseAddress, SocketAdmission } from "../channel/mod.ts";
import { listenForPeers, type ListenForPeersOptions, type PeerListener } from "../peer/mod.ts";
import { present } from "../values/mod.ts";
import type { anonymousNetworks } from "./admission/anonymous.ts";
import type { WorkerServerOptions } from "./options.ts";
import type { OwnSocket } from "./own_socket.ts";
import type { CallServing } from "./serving/call_serving.ts";
import type { ExecutionGround } from "./serving/open_execution.ts";

/** What the listeners of a worker stand on. */
export interface ListeningGround extends ExecutionGround {
  readonly addresses: readonly [Address, ...Address[]];
  /** Where callers without identity are served. */
  readonly networks: ReturnType<typeof anonymousNetworks>;
  readonly serving: CallServing;
  /** Where the worker's routines call itself. */
  readonly own: OwnSocket | undefined;
}

/** Where a worker takes calls. */
export interface OpenedListeners {
  readonly listeners: readonly [PeerListener, ...PeerListener[]];
  /** The address that others reach it by. */
  readonly advertised: string;
}

/**
 * Listens on every address of a worker, and on the socket of its own routines; `starting` closes them again.
 *
 * @throws {ConfigurationError} If an address cannot be listened on.
 */
export async function openListeners(
  options: WorkerServerOptions,
  ground: ListeningGround,
  starting: AsyncDisposableStack,
): Promise<OpenedListeners> {
  const { id, limits, clock, hub, credentials, allow, addresses, networks, own } = ground;
  const { health, faults, servePeer } = ground.serving;
  const listening: ListenForPeersOptions = {
    workerId: id,
    credentials,
    allow,
    onPeer: (peer) => servePeer(peer, false),
    onFault: (error, address) => faults.report("peer", error, { peer: { address } }),
    clock,
    observer: hub.as(id),
    handshakeTimeoutMs: limits.handshakeTimeoutMs,
    admission: new SocketAdmission(limits),
    descriptors: limits.descriptors,
    distrustGraceMs: limits.distrustGraceMs,
    connectionAgeMs: limits.connectionAgeMs,
    verdict: limits.verdict,
    ...present({
      minTlsVersion: options.minTlsVersion,
      nativeTls: options.nativeTls,
      acceptsPlaintext: networks && ((address: string) => networks.has(address)),
    }),
  };
  const listenOn = async (address: Address) => {
    // What never leaves the process is not of a generation: credentials say nothing of it.
    const apart = address.kind === "memory" ? { ...listening, credentials: undefined } : listening;
    const onListening = (accepts: boolean) => health.listening(address, accepts);
    return starting.use(await listenForPeers(address, { ...apart, onListening }));
  };
  const [first, ...rest] = addresses;
  const listeners: [PeerListener, ...PeerListener[]] = [await listenOn(first)];
  for (const address of rest) listeners.push(await listenOn(address));
  const advertised = options.advertise ?? formatAddress(listeners[0].address);
  if (own === undefined) return { listeners, advertised };
  // It goes on until the last call is over: what runs may need it.
  starting.use(
    await listenForPeers(parseAddress(own.address), {
      ...listening,
      credentials: undefined,
      nativeTls: false,
      own,
      onPeer: (peer) => servePeer(peer, true),
    }),
  );
  for (const address of [advertised, ...listeners.map((one) => formatAddress(one.address))]) {
    own.addresses.add(address);
  }
  return { listeners, advertised };
}
