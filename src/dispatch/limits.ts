import { defaultHttp2Limits, type Http2Limits, processByteBudget } from "../http2/mod.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "../identity/mod.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "../routine/mod.ts";
import { checkedHttp2Limits, checkedLimits, checkedVerdictLimits } from "./checked_limits.ts";

/** Every timeout and limit of a dispatcher, in one place. */
export interface DispatcherLimits {
  /** From the first byte of a connection to the worker's first answer, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** Handshakes under way at once. Default 64. */
  readonly handshakes?: number | undefined;
  /** The shortest wait before a worker that failed is dialled again, in milliseconds. Default 100. */
  readonly shortestBackoffMs?: number | undefined;
  /** The longest such wait, in milliseconds. Default 30,000. */
  readonly longestBackoffMs?: number | undefined;
  /** How long calls at a worker that is no longer trusted may go on, in milliseconds. Default 25,000. */
  readonly distrustGraceMs?: number | undefined;
  /** The age at which a connection is replaced, ±10%, in milliseconds. Default 3,600,000 (1 h). */
  readonly connectionAgeMs?: number | undefined;
  /** The largest message to receive, and the largest arguments or item to send, in bytes. Default 4 MiB. */
  readonly messageBytes?: number | undefined;
  /**
   * What its connections may hold together that was received and not yet read, or queued and not yet
   * sent, in bytes; beyond it those that hold more than an equal share are cut off. Default: 512 MiB,
   * shared with every other connection of the process.
   */
  readonly heldBytes?: number | undefined;
  /** How deep a payload may nest: that many containers, one in another. Default 64. */
  readonly payloadDepth?: number | undefined;
  /** How many arrays, objects, maps and sets a payload may hold. Default 262,144. */
  readonly payloadContainers?: number | undefined;
  /** Events kept for each reader of `events()`; the oldest beyond are dropped. Default 1,024. */
  readonly eventsBuffered?: number | undefined;
  /** What the verdict on a worker's certificates may cost. */
  readonly verdict?: Partial<VerdictLimits> | undefined;
  /** Limits of each HTTP/2 connection. */
  readonly http2?: Partial<Http2Limits> | undefined;
}

/** The limits that are numbers of their own. */
type PlainLimit = Exclude<keyof DispatcherLimits, "verdict" | "http2">;

/** {@linkcode DispatcherLimits} with nothing left out. */
export interface EveryDispatcherLimit
  extends Readonly<Record<Exclude<keyof DispatcherLimits, "verdict" | "http2">, number>> {
  /** What the verdict on a worker's certificates may cost. */
  readonly verdict: VerdictLimits;
  /** Limits of each HTTP/2 connection. */
  readonly http2: Http2Limits;
}

/** The default of every limit of a dispatcher. */
export const defaultDispatcherLimits: EveryDispatcherLimit = {
  handshakeTimeoutMs: 5_000,
  handshakes: 64,
  shortestBackoffMs: 100,
  longestBackoffMs: 30_000,
  distrustGraceMs: 25_000,
  connectionAgeMs: 3_600_000,
  messageBytes: 4 * 1024 * 1024,
  heldBytes: processByteBudget.limitBytes,
  payloadDepth: DEFAULT_PAYLOAD_LIMITS.depth,
  payloadContainers: DEFAULT_PAYLOAD_LIMITS.containers,
  eventsBuffered: 1_024,
  verdict: DEFAULT_VERDICT_LIMITS,
  http2: defaultHttp2Limits,
};

/** Of those, 0 would mean that nobody is called. */
const COUNTS: readonly PlainLimit[] = [
  "handshakeTimeoutMs",
  "handshakes",
  "connectionAgeMs",
  "payloadDepth",
  "payloadContainers",
  "eventsBuffered",
];

/**
 * The limits with their defaults.
 *
 * @throws {ConfigurationError} If one of them is no number, or none that can be meant.
 */
export function resolveDispatcherLimits(limits: DispatcherLimits = {}): EveryDispatcherLimit {
  const { verdict: _, http2: __, ...plain } = defaultDispatcherLimits;
  return {
    ...checkedLimits<PlainLimit>(limits, plain, COUNTS),
    verdict: checkedVerdictLimits(limits.verdict),
    http2: checkedHttp2Limits(limits.http2),
  };
}
