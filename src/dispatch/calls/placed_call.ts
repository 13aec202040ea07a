import type { PeerRef } from "../../observe/mod.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Link } from "../endpoint/link.ts";
import type { Wanted } from "../selection/suitable_endpoints.ts";

/** A call that looks for a worker. */
export interface PlacedCall {
  /** The routine or service method, as events name it. */
  readonly routine: string;
  /** The call's id, where it has one. */
  readonly callId?: string | undefined;
  /** What it asks of its worker. */
  readonly wanted: Wanted;
  /** Whether it may begin twice. */
  readonly idempotent: boolean;
  /** Whether it is a service's method, whose errors are the service's own. Default: a routine. */
  readonly ofService?: true;
  /** What it streams to its worker; a call whose input cannot be sent again is not retried. Default: nothing. */
  readonly input?: { readonly repeatable: boolean };
  readonly signal: AbortSignal | undefined;
  /** The time it was given, in milliseconds; `undefined` is no limit. */
  readonly timeoutMs: number | undefined;
  /** When that time is over, by `performance.now()`. */
  readonly deadline: number | undefined;
  /** Where it was brought last; set by its attempts. */
  lastAttempt?: CallPlace | undefined;
}

/** A worker that a call was brought to, and on which connection. */
export interface CallPlace {
  readonly endpoint: Pick<Endpoint, "address">;
  readonly link: Pick<Link, "identity">;
}

/** The worker that a call was brought to last, as events name it; `undefined` where none took it. */
export function workerOf({ lastAttempt }: Pick<PlacedCall, "lastAttempt">): PeerRef | undefined {
  if (lastAttempt === undefined) return undefined;
  const { endpoint: { address }, link: { identity } } = lastAttempt;
  return identity === undefined ? { address } : { address, identity };
}

/** What ends a call. */
export class CallBounds {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly deadline: number | undefined;
  lastAttempt: CallPlace | undefined;

  /** As {@linkcode PlacedCall} has them. */
  constructor(
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    deadline: number | undefined,
  ) {
    this.signal = signal;
    this.timeoutMs = timeoutMs;
    this.deadline = deadline;
    this.lastAttempt = undefined;
  }
}

/** A call of a routine. */
export class RoutineCall extends CallBounds implements PlacedCall {
  readonly routine: string;
  readonly callId: string;
  readonly wanted: Wanted;
  readonly idempotent: boolean;

  /** With an id of its own. */
  constructor(
    routine: string,
    callId: string,
    wanted: Wanted,
    idempotent: boolean,
    { signal, timeoutMs, deadline }: CallBounds,
  ) {
    super(signal, timeoutMs, deadline);
    this.routine = routine;
    this.callId = callId;
    this.wanted = wanted;
    this.idempotent = idempotent;
  }
}

/** More than `(now + limit) - now` may differ from `limit`, so that a call is given no millisecond too many. */
const ROUNDED_MS = 1e-4;

/** The time a call still has, in whole milliseconds, at least one; `undefined` is no limit. */
export function remainingMs(
  { deadline }: Pick<PlacedCall, "deadline">,
  now?: number,
): number | undefined {
  if (deadline === undefined) return undefined;
  return Math.max(1, Math.ceil(deadline - (now ?? performance.now()) - ROUNDED_MS));
}
