import { checkedHttp2Limits, checkedLimits, checkedVerdictLimits } from "../dispatch/mod.ts";
import { defaultHttp2Limits, type Http2Limits, processByteBudget } from "../http2/mod.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "../identity/mod.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "../routine/mod.ts";
import { GATHERED_BYTES } from "../rpc/mod.ts";

/**
 * Every timeout and limit of a worker, in one place: what a peer can make it hold, do or wait for is
 * bounded by one of these.
 */
export interface WorkerLimits {
  /** Calls at once; another one is refused as overloaded. Default 256. */
  readonly concurrency?: number | undefined;
  /**
   * Calls at once of one peer, which is an identity at a host over however many connections; so that
   * no peer takes every place. Default: seven eighths of `concurrency`.
   */
  readonly concurrencyPerPeer?: number | undefined;
  /** The largest message to receive, and the largest result or item, in bytes. Default 4 MiB. */
  readonly messageBytes?: number | undefined;
  /** How deep a payload may nest: that many containers, one in another. Default 64. */
  readonly payloadDepth?: number | undefined;
  /** How many arrays, objects, maps and sets a payload may hold. Default 262,144. */
  readonly payloadContainers?: number | undefined;
  /**
   * What its connections may hold together that was received and not yet read, or queued and not yet
   * sent, in bytes; beyond it those that hold more than an equal share are cut off. Default: 512 MiB,
   * shared with every other connection of the process.
   */
  readonly heldBytes?: number | undefined;
  /**
   * What all messages that are being received may take together, beyond the first 64 KiB of each, and
   * a quarter of it those of one connection, in bytes. Default: 256 MiB, shared with the process.
   */
  readonly gatheredBytes?: number | undefined;
  /** How long a request of one message may take to arrive, in milliseconds; 0 is for ever. Default 30,000. */
  readonly receiveTimeoutMs?: number | undefined;
  /** From an accepted connection to the verdict, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** Connections between accept and verdict at once; one more makes the oldest go. Default 1,024. */
  readonly pendingHandshakes?: number | undefined;
  /** How long calls in flight may go on when the worker drains, in milliseconds. Default 25,000. */
  readonly drainGraceMs?: number | undefined;
  /** How long those of a peer may that is no longer trusted, in milliseconds. Default 25,000. */
  readonly distrustGraceMs?: number | undefined;
  /** How long a thread may ignore the signal of its call before it is replaced, in milliseconds. Default 5,000. */
  readonly threadGraceMs?: number | undefined;
  /** The age at which a connection is told to leave, ±10%, in milliseconds. Default 3,600,000 (1 h). */
  readonly connectionAgeMs?: number | undefined;
  /** Events kept for each reader of `events()`; the oldest beyond are dropped. Default 1,024. */
  readonly eventsBuffered?: number | undefined;
  /** What the verdict on a peer's certificates may cost. */
  readonly verdict?: Partial<VerdictLimits> | undefined;
  /** Limits of each HTTP/2 connection. */
  readonly http2?: Partial<Http2Limits> | undefined;
}

/** The limits that are numbers of their own. */
type PlainLimit = Exclude<keyof WorkerLimits, "verdict" | "http2">;

/** {@linkcode WorkerLimits} with nothing left out. */
export interface EveryWorkerLimit
  extends Readonly<Record<Exclude<keyof WorkerLimits, "verdict" | "http2">, number>> {
  /** What the verdict on a peer's certificates may cost. */
  readonly verdict: VerdictLimits;
  /** Limits of each HTTP/2 connection. */
  readonly http2: Http2Limits;
}

/** The default of every limit of a worker. */
export const defaultWorkerLimits: EveryWorkerLimit = {
  concurrency: 256,
  concurrencyPerPeer: 224,
  messageBytes: 4 * 1024 * 1024,
  heldBytes: processByteBudget.limitBytes,
  gatheredBytes: GATHERED_BYTES,
  payloadDepth: DEFAULT_PAYLOAD_LIMITS.depth,
  payloadContainers: DEFAULT_PAYLOAD_LIMITS.containers,
  receiveTimeoutMs: 30_000,
  handshakeTimeoutMs: 5_000,
  pendingHandshakes: 1_024,
  drainGraceMs: 25_000,
  distrustGraceMs: 25_000,
  threadGraceMs: 5_000,
  connectionAgeMs: 3_600_000,
  eventsBuffered: 1_024,
  verdict: DEFAULT_VERDICT_LIMITS,
  http2: defaultHttp2Limits,
};

/** Of so many places each peer leaves one to others. */
const PLACES_A_PEER_LEAVES_ONE_OF = 8;

/** Of those, 0 would mean that nobody is served. */
const COUNTS: readonly PlainLimit[] = [
  "concurrency",
  "concurrencyPerPeer",
  "payloadDepth",
  "payloadContainers",
  "handshakeTimeoutMs",
  "pendingHandshakes",
  "connectionAgeMs",
  "eventsBuffered",
];

/**
 * The limits with their defaults.
 *
 * @throws {ConfigurationError} If one of them is no number, or none that can be meant.
 */
export function resolveWorkerLimits(limits: WorkerLimits = {}): EveryWorkerLimit {
  const { verdict: _, http2: __, ...plain } = defaultWorkerLimits;
  const { concurrency = plain.concurrency } = limits;
  const concurrencyPerPeer = concurrency - Math.floor(concurrency / PLACES_A_PEER_LEAVES_ONE_OF);
  return {
    ...checkedLimits<PlainLimit>(limits, { ...plain, concurrencyPerPeer }, COUNTS),
    verdict: checkedVerdictLimits(limits.verdict),
    http2: checkedHttp2Limits(limits.http2),
  };
}
