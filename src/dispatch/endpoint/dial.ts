import { inspectSocket, parseAddress, type TlsVersion } from "../../channel/mod.ts";
import type { CredentialMaterial, CredentialsSource } from "../../credentials/mod.ts";
import { unusable } from "../../errors/mod.ts";
import type { ByteBudget, ConnectionState } from "../../http2/mod.ts";
import { type IdentityPattern, parsePatterns } from "../../identity/mod.ts";
import {
  type Clock,
  countedConnection,
  type Faults,
  loggerFor,
  type Observer,
  type PeerExpiry,
} from "../../observe/mod.ts";
import type { DialledPeer, dialPeer, PeerRefused, PeerVerdict } from "../../peer/mod.ts";
import { plaintextPosture } from "../../policy/mod.ts";
import type { DiscoveredWorker, Discovery } from "../../discovery/mod.ts";
import type { EveryDispatcherLimit } from "../limits.ts";
import { type Dial, workerRef } from "./link.ts";
import { describeSelf, EarlyDescription } from "./self_description.ts";
import { type AbortEvents, onAbort, present } from "../../values/mod.ts";

/** How the workers of one source are dialled. */
export interface DialOptions {
  readonly dialPeer: typeof dialPeer;
  /** Default: plaintext. */
  readonly credentials: CredentialsSource | undefined;
  /** Who they must be; `undefined` where each is to be what its discovery expects. */
  readonly identity: readonly IdentityPattern[] | undefined;
  readonly strict: boolean;
  /** The worker within which we dispatch, where that is so. */
  readonly own?: OwnWorker | undefined;
  /** Default: 1.3 where we show a certificate, else 1.2. */
  readonly minTlsVersion: TlsVersion | undefined;
  readonly limits: Pick<EveryDispatcherLimit, "handshakeTimeoutMs" | "verdict" | "http2">;
  /** What every connection draws on. */
  readonly budget: ByteBudget;
  /** Handshakes under way at once, over every source. */
  readonly slots: DialSlots;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Where errors of our own are reported. */
  readonly faults: Faults;
  /** Watches the certificates of the workers that are connected. */
  readonly peerExpiry: PeerExpiry;
}

/** The worker within which a dispatcher is, for calls to itself: never over TLS, and proven by a secret. */
export interface OwnWorker {
  /** Where it takes them: `unix:PATH`, or `memory:NAME`. */
  readonly address: string;
  /** What it is shown there. */
  readonly secret: Uint8Array;
  /** A discovery that finds it and no other worker. */
  readonly discovery: Discovery;
  /** The addresses by which a discovery may name it. */
  readonly addresses: ReadonlySet<string>;
  /** Whether it is one that is expected, by the trust of these credentials; without any, whether it has none. */
  isExpected(
    credentials: CredentialMaterial | undefined,
    expected: readonly IdentityPattern[],
  ): boolean;
}

/** Makes the function by which the workers of one source are dialled. */
export function dialWith(options: DialOptions): Dial {
  const { slots, observer, credentials, limits } = options;
  return async (worker, { signal, onState }) => {
    const expected = credentials === undefined ? [] : expectedOf(worker, options.identity);
    const own = ownAt(worker.address, options, expected);
    const address = parseAddress(own?.address ?? worker.address);
    if (
      own === undefined && credentials === undefined &&
      plaintextPosture(address, options.strict) === "warn"
    ) {
      loggerFor("security").warn("worker {address} is called in plaintext over the network", {
        address: worker.address,
      });
    }
    using _slot = await slots.take(signal);
    // What is there now is what is dialled next; a token may go to no other socket.
    const socket = address.kind === "unix"
      ? { path: address.path, dialled: await inspectSocket(address.path) }
      : undefined;
    // What is current may be another version by the time the worker has answered.
    const material = own === undefined ? credentials?.current() : undefined;
    const counted = countedConnection(observer.metrics, "connecting");
    const reports = new Reports(counted, onState);
    let described: EarlyDescription | undefined;
    const dialling = options.dialPeer(address, {
      credentials: material,
      expected,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      verdict: limits.verdict,
      signal,
      clock: options.clock,
      connection: {
        onState: reports.onState,
        onFault: faultsOf(options.faults, worker.address),
        limits: limits.http2,
        budget: options.budget,
      },
      onOpened: (connection) => described = new EarlyDescription(connection, signal),
      ...present({ minTlsVersion: options.minTlsVersion, secret: own?.secret }),
      worker: workerRef(worker),
    });
    const peer = await dialling.catch((error) => {
      counted("closed");
      throw error;
    });
    counted("open");
    const { name: identity, fingerprint, certificate } = peer.identity ?? {};
    const { security, tls } = peer.facts;
    const keyExchange = tls?.keyExchange;
    const ref = { address: worker.address, ...present({ identity }) };
    if (certificate !== undefined) reports.gone = options.peerExpiry.connected(ref, certificate);
    observer.emit({
      type: "peer.accepted",
      side: "dispatcher",
      peer: ref,
      ...present({ fingerprint }),
      security,
      ...present({ keyExchange, generation: material?.generation }),
    });
    const { id, tags, serves, ignoresTokens = false } = await (described?.accepted() ??
      describeSelf(peer.connection, signal));
    // What follows keeps this scope for as long as the connection lasts.
    described = undefined;
    return {
      connection: peer.connection,
      id: id ?? worker.id,
      tags: tags ?? worker.tags ?? [],
      ...(ignoresTokens ? { ignoresTokens: ref } : {}),
      identity,
      security,
      ...present({ socket, tls, serves }),
      validUntil: peer.validUntil,
      judge: judging(credentials, own, peer, expected),
    };
  };
}

/** What a connection reports of its state; like what follows, it keeps nothing of the attempt for as long as that lasts. */
class Reports {
  /** Called once the connection is closed. */
  gone: (() => void) | undefined;
  /** The state has changed. */
  readonly onState: (state: ConnectionState) => void;

  constructor(...listeners: readonly ((state: ConnectionState) => void)[]) {
    const onState = (state: ConnectionState): void => {
      for (const listener of listeners) listener(state);
      if (state === "closed") this.gone?.();
    };
    this.onState = onState;
  }
}

function faultsOf(faults: Faults, address: string): (error: Error) => void {
  return (error) => faults.report("http2", error, { peer: { address } });
}

function judging(
  credentials: CredentialsSource | undefined,
  own: OwnWorker | undefined,
  { judgedBy }: DialledPeer,
  expected: readonly IdentityPattern[],
): () => PeerVerdict {
  if (credentials === undefined) return () => PROVEN;
  if (own === undefined) return () => judgedBy(credentials.current());
  return () => own.isExpected(credentials.current(), expected) ? PROVEN : OWN_REFUSED;
}

/** For as long as nothing is said. */
const PROVEN: PeerVerdict = { trusted: true };

/** Our own worker is reached without a handshake; what it would show has changed, or what is expected of it. */
const OWN_REFUSED: PeerRefused = {
  trusted: false,
  reason: "identity-mismatch",
  peerReason: "identity-mismatch",
  evidence: { found: "the certificate of this process is none that is expected there" },
};

/** Whether an address is that of our own worker; one that is not who is expected there is dialled as any other. */
function ownAt(
  address: string,
  { own, credentials }: DialOptions,
  expected: readonly IdentityPattern[],
): OwnWorker | undefined {
  if (own === undefined || !own.addresses.has(address)) return undefined;
  return address === own.address || own.isExpected(credentials?.current(), expected)
    ? own
    : undefined;
}

function expectedOf(
  { address, expected }: DiscoveredWorker,
  identity: readonly IdentityPattern[] | undefined,
): readonly IdentityPattern[] {
  if (identity !== undefined) return identity;
  if (expected !== undefined) return parsePatterns(expected);
  throw unusable("identity", `no identity is expected of worker ${address}`);
}

/** So many handshakes may be under way at once; the others wait their turn. */
export class DialSlots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** @param count handshakes at once. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a place. Disposing of it gives it to the next. */
  async take(signal: AbortEvents): Promise<Disposable> {
    if (this.#free > 0) this.#free -= 1;
    else await this.#turn(signal);
    return { [Symbol.dispose]: () => this.#give() };
  }

  async #turn(signal: AbortEvents): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    using _left = onAbort(signal, () => {
      this.#waiting.delete(resolve);
      reject(signal.reason);
    });
    await promise;
  }

  #give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
