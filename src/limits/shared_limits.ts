import { defaultHttp2Limits, type Http2Limits, processByteBudget } from "../http2/mod.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "../identity/mod.ts";
import { DEFAULT_PAYLOAD_LIMITS, type PayloadLimits } from "../routine/mod.ts";

/** Timeouts and limits that either end of a connection has. */
export interface SharedLimits {
  /** From the first byte of a connection to the verdict, and its flush, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** How long calls of a peer that is no longer trusted may go on, in milliseconds. Default 25,000. */
  readonly distrustGraceMs?: number | undefined;
  /** The age at which a connection is replaced, ±10%, in milliseconds. Default 3,600,000 (1 h). */
  readonly connectionAgeMs?: number | undefined;
  /** The largest message to receive, and the largest payload to send, in bytes. Default 4 MiB. */
  readonly messageBytes?: number | undefined;
  /** How deep a payload may nest: that many containers, one in another. Default 64. */
  readonly payloadDepth?: number | undefined;
  /** How many arrays, objects, maps, sets and byte strings a payload may hold. Default 262,144. */
  readonly payloadContainers?: number | undefined;
  /** How many properties, entries of maps and members of sets a payload may hold. Default 524,288. */
  readonly payloadEntries?: number | undefined;
  /**
   * What all connections may hold together that was received and not yet read, or queued and not yet
   * sent, in bytes; beyond it those that hold more than an equal share are cut off. Default: 512 MiB,
   * shared with every other connection of the process.
   */
  readonly heldBytes?: number | undefined;
  /** Events kept for each reader of `events()`; the oldest beyond are dropped. Default 1,024. */
  readonly eventsBuffered?: number | undefined;
  /** What the verdict on a peer's certificates may cost. */
  readonly verdict?: Partial<VerdictLimits> | undefined;
  /** Limits of each HTTP/2 connection. */
  readonly http2?: Partial<Http2Limits> | undefined;
}

/** {@linkcode SharedLimits} with nothing left out. */
export interface EverySharedLimit
  extends Readonly<Record<Exclude<keyof SharedLimits, "verdict" | "http2">, number>> {
  /** What the verdict on a peer's certificates may cost. */
  readonly verdict: VerdictLimits;
  /** Limits of each HTTP/2 connection. */
  readonly http2: Http2Limits;
}

/** The default of every limit that either end has. */
export const defaultSharedLimits: EverySharedLimit = {
  handshakeTimeoutMs: 5_000,
  distrustGraceMs: 25_000,
  connectionAgeMs: 3_600_000,
  messageBytes: 4 * 1024 * 1024,
  payloadDepth: DEFAULT_PAYLOAD_LIMITS.depth,
  payloadContainers: DEFAULT_PAYLOAD_LIMITS.containers,
  payloadEntries: DEFAULT_PAYLOAD_LIMITS.entries,
  heldBytes: processByteBudget.limitBytes,
  eventsBuffered: 1_024,
  verdict: DEFAULT_VERDICT_LIMITS,
  http2: defaultHttp2Limits,
};

/** What payloads may be within these limits. */
export function payloadLimits(limits: EverySharedLimit): PayloadLimits {
  return {
    bytes: limits.messageBytes,
    depth: limits.payloadDepth,
    containers: limits.payloadContainers,
    entries: limits.payloadEntries,
  };
}
