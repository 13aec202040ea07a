import {
  ASSUMED_DESCRIPTORS,
  DEFAULT_SOCKET_LIMITS,
  openFileLimit,
  socketLimitsOf,
} from "../channel/mod.ts";
import {
  defaultSharedLimits,
  type EverySharedLimit,
  resolveLimits,
  type SharedLimits,
} from "../limits/mod.ts";
import { GATHERED_BYTES } from "../rpc/mod.ts";

/**
 * The largest message of a call that asks how the worker is or what it serves, in bytes. Such calls have places of
 * their own, 4,096 of them, and of each 64 KiB would be outside of `gatheredBytes`.
 */
export const ASKED_BYTES = 4096;

/**
 * Every timeout and limit of a worker, in one place: what a peer can make it hold, do or wait for is
 * bounded by one of these.
 */
export interface WorkerLimits extends SharedLimits {
  /** Calls at once; another one is refused as overloaded. Default 256. */
  readonly concurrency?: number | undefined;
  /**
   * Calls at once of one peer, which is an identity at a host (a /64 of IPv6 is one) over however many
   * connections; so that no peer takes every place. The places beyond it are for peers with less than an equal
   * share. Default: seven eighths of `concurrency`.
   */
  readonly concurrencyPerPeer?: number | undefined;
  /**
   * Calls that wait for a place where `concurrency` is reached; one more is refused as overloaded. Peers take
   * turns. Default 0, which is no queue.
   */
  readonly queueCalls?: number | undefined;
  /** What has arrived of all calls that wait for a place, in bytes. Default: 16 MiB. */
  readonly queueBytes?: number | undefined;
  /** How long a call waits for a place before it is refused as overloaded, in milliseconds. Default 1,000. */
  readonly queueTimeoutMs?: number | undefined;
  /**
   * What all messages that are being received may take together, beyond the first 64 KiB of each, and
   * a quarter of it those of one peer, in bytes. Default: 256 MiB, shared with the process.
   */
  readonly gatheredBytes?: number | undefined;
  /** How long a request of one message may take to arrive, in milliseconds; 0 is for ever. Default 30,000. */
  readonly receiveTimeoutMs?: number | undefined;
  /**
   * File descriptors of this process. The limits on connections are derived from it, with a reserve for files,
   * threads and outgoing connections. Default: what the system allows this process, which only one with all
   * permissions may read; for others 1,024.
   */
  readonly descriptors?: number | undefined;
  /**
   * Connections at once, over every address that the worker listens on; one more makes the oldest go whose peer
   * has proven nothing. Default: the descriptors less a reserve of a quarter, 64 to 1,024 of them; at most 16,384.
   */
  readonly connections?: number | undefined;
  /**
   * Connections at once of peers of one address, or IPv6 /64, that have proven nothing: without mutual TLS,
   * those that have made no request. One more makes the oldest of that address go. Default: half of
   * `pendingHandshakes`.
   */
  readonly connectionsPerAddress?: number | undefined;
  /**
   * Connections at once of one proven identity; without mutual TLS, of one address that has made requests. One
   * more is refused. Default: three quarters of `connections`.
   */
  readonly connectionsPerIdentity?: number | undefined;
  /**
   * Connections between accept and verdict at once, refused ones included until they are closed; one more makes
   * the oldest go. Default: half of `connections`, at most 1,024.
   */
  readonly pendingHandshakes?: number | undefined;
  /**
   * How long the worker goes on taking calls when it drains, in milliseconds, after it has left discovery and its
   * health says NOT_SERVING: the time that callers take to learn of either. It is part of `drainGraceMs`. Default 0:
   * callers of Selvage are sent away by GOAWAY and lose no call.
   */
  readonly announceGraceMs?: number | undefined;
  /** How long calls in flight may go on when the worker drains, in milliseconds. Default 25,000. */
  readonly drainGraceMs?: number | undefined;
  /**
   * How long a thread may ignore the signal of its call before it is replaced, in milliseconds. Default 5,000. Deno
   * 2.9.6 does not stop code that computes: it goes on beside the new thread. Where twice as many threads as the
   * worker may have compute on like this, it refuses calls of routines in threads as overloaded; see
   * `worker.threads-lost`.
   */
  readonly threadGraceMs?: number | undefined;
  /**
   * How long a worker is without a call before it emits `worker.idle`, in milliseconds, in whole seconds; 0 is
   * never. Default 60,000.
   */
  readonly idleAfterMs?: number | undefined;
  /**
   * How long a routine may block the worker's event loop before that is reported as `worker.blocked`, in
   * milliseconds; 0 reports nothing and starts no watchdog thread. Default 1,000.
   */
  readonly blockedAfterMs?: number | undefined;
}

/** {@linkcode WorkerLimits} with nothing left out. */
export interface EveryWorkerLimit
  extends
    EverySharedLimit,
    Readonly<Record<Exclude<keyof WorkerLimits, keyof SharedLimits>, number>> {}

/** The default of every limit of a worker. */
export const defaultWorkerLimits: EveryWorkerLimit = {
  ...defaultSharedLimits,
  concurrency: 256,
  concurrencyPerPeer: 224,
  queueCalls: 0,
  queueBytes: 16 * 1024 * 1024,
  queueTimeoutMs: 1_000,
  gatheredBytes: GATHERED_BYTES,
  receiveTimeoutMs: 30_000,
  descriptors: ASSUMED_DESCRIPTORS,
  ...DEFAULT_SOCKET_LIMITS,
  announceGraceMs: 0,
  drainGraceMs: 25_000,
  threadGraceMs: 5_000,
  blockedAfterMs: 1_000,
  idleAfterMs: 60_000,
};

/** Of so many places each peer leaves one to others. */
const PLACES_A_PEER_LEAVES_ONE_OF = 8;

/**
 * The limits with their defaults.
 *
 * @throws {ConfigurationError} If one of them is not a number, or out of its range.
 */
export function resolveWorkerLimits(limits: WorkerLimits = {}): EveryWorkerLimit {
  const { concurrency = defaultWorkerLimits.concurrency } = limits;
  const concurrencyPerPeer = concurrency - Math.floor(concurrency / PLACES_A_PEER_LEAVES_ONE_OF);
  const { descriptors = openFileLimit() } = limits;
  const sockets = socketLimitsOf(descriptors, limits);
  const defaults = { ...defaultWorkerLimits, concurrencyPerPeer, descriptors, ...sockets };
  return resolveLimits(limits, defaults, [
    "concurrency",
    "concurrencyPerPeer",
    "descriptors",
    "connections",
    "connectionsPerAddress",
    "connectionsPerIdentity",
    "pendingHandshakes",
  ]);
}
