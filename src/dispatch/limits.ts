import {
  defaultSharedLimits,
  type EverySharedLimit,
  resolveLimits,
  type SharedLimits,
} from "../limits/mod.ts";

/** Every timeout and limit of a dispatcher, in one place. */
export interface DispatcherLimits extends SharedLimits {
  /**
   * How many workers that one discovery has found are used; which ones is chosen by rendezvous hash, so that
   * dispatchers spread over all of them. Default 1,024.
   */
  readonly maxWorkers?: number | undefined;
  /** Handshakes under way at once. Default 64. */
  readonly handshakes?: number | undefined;
  /** The shortest wait before a worker that failed is dialled again, in milliseconds. Default 100. */
  readonly shortestBackoffMs?: number | undefined;
  /** The longest such wait, in milliseconds. Default 30,000. */
  readonly longestBackoffMs?: number | undefined;
  /**
   * Calls that may be made again because a worker had no room, or, where they are idempotent, because a
   * connection was lost: the share of all calls, in percent. Calls that are known not to have begun for another reason
   * are not counted. Default 10.
   */
  readonly retryPercent?: number | undefined;
  /** How many such retries are allowed at once, beyond that share. Default 10. */
  readonly retryBurst?: number | undefined;
}

/** {@linkcode DispatcherLimits} with nothing left out. */
export interface EveryDispatcherLimit
  extends
    EverySharedLimit,
    Readonly<Record<Exclude<keyof DispatcherLimits, keyof SharedLimits>, number>> {}

/** The default of every limit of a dispatcher. */
export const defaultDispatcherLimits: EveryDispatcherLimit = {
  ...defaultSharedLimits,
  maxWorkers: 1_024,
  handshakes: 64,
  shortestBackoffMs: 100,
  longestBackoffMs: 30_000,
  retryPercent: 10,
  retryBurst: 10,
};

/**
 * The limits with their defaults.
 *
 * @throws {ConfigurationError} If one of them is not a number, or out of its range.
 */
export function resolveDispatcherLimits(limits?: DispatcherLimits): EveryDispatcherLimit {
  if (limits === undefined) return byDefault ??= resolveDispatcherLimits({});
  return resolveLimits(limits, defaultDispatcherLimits, ["maxWorkers", "handshakes"]);
}

/** Those of every dispatcher that is given none. */
let byDefault: EveryDispatcherLimit | undefined;
