import type { ChannelSecurity, EventBase } from "./event_base.ts";

/** A worker listens, takes calls and is announced, where it is to be. */
export interface WorkerReady extends EventBase<"worker.ready"> {
  /** The worker's id. */
  readonly workerId: string;
  /** Where it can be reached, as advertised. */
  readonly address: string;
  /** How its listener is protected. */
  readonly security: ChannelSecurity;
}

/** A worker takes no new calls and lets those in flight finish. */
export interface WorkerDraining extends EventBase<"worker.draining"> {
  /** The worker's id. */
  readonly workerId: string;
  /** Calls that were in flight when the drain began. */
  readonly inFlight: number;
  /** How long those calls may still take, in milliseconds. */
  readonly graceMs: number;
}

/** A worker has stopped on purpose. */
export interface WorkerStopped extends EventBase<"worker.stopped"> {
  /** The worker's id. */
  readonly workerId: string;
  /** Calls that were cut off because the grace was over. */
  readonly abandoned: number;
}

/** A spawned worker's process ended by itself, or never became ready. */
export interface WorkerCrashed extends EventBase<"worker.crashed"> {
  /** The worker's id, or the place in the pool where it had not reported one. */
  readonly workerId: string;
  /** The process's exit code, where it exited. */
  readonly exitCode?: number;
  /** The signal that ended the process, where one did. */
  readonly signal?: string;
  /** One sentence: what is known of the cause, escaped and capped. */
  readonly message: string;
}

/** A call that a worker was at, as events name it. */
export interface HeldCall {
  /** The call's id, where it has one. */
  readonly callId?: string | undefined;
  /** The routine or service method. */
  readonly routine: string;
}

/**
 * A spawned worker has answered no ping for as long as it may; its process is ended, and another one
 * started in its place.
 */
export interface WorkerUnresponsive extends EventBase<"worker.unresponsive"> {
  /** The worker's id. */
  readonly workerId: string;
  /** For how long it has answered nothing, in milliseconds. */
  readonly silentMs: number;
  /** Calls of this pool that it holds and that will fail, 16 at most. */
  readonly calls: readonly HeldCall[];
}

/** A worker has had no call for as long as `idleAfterMs`; a sign that there are more than are needed. */
export interface WorkerIdle extends EventBase<"worker.idle"> {
  /** The worker's id. */
  readonly workerId: string;
  /** For how long it has had no call, in seconds. */
  readonly idleSeconds: number;
}

/** A routine has kept the event loop of its worker from turning, so that it answered nobody. */
export interface WorkerBlocked extends EventBase<"worker.blocked"> {
  /** The worker's id. */
  readonly workerId: string;
  /** The routine that was entered last, of those under way on the event loop. */
  readonly routine: string;
  /** Other routines under way there, 8 at most. */
  readonly others: readonly string[];
  /** For how long it was blocked, in milliseconds; a worker of a pool reports it while it still is. */
  readonly blockedMs: number;
}

/**
 * No thread of a worker is left for calls: as many as it may have compute for calls that are over. A worker of a pool
 * leaves and is replaced; any other refuses calls of routines in threads until one of them is done.
 */
export interface WorkerThreadsLost extends EventBase<"worker.threads-lost"> {
  /** The worker's id. */
  readonly workerId: string;
  /** How many threads compute. */
  readonly computing: number;
}

/** A worker that crashed or did not answer was started again. */
export interface WorkerRestarted extends EventBase<"worker.restarted"> {
  /** The new worker's id. */
  readonly workerId: string;
  /** The id of the one it stands in for. */
  readonly previousId?: string;
  /** How many starts in a row this was. */
  readonly attempt: number;
  /** Where the former one did not answer: the calls of this pool that it held, 16 at most. */
  readonly calls?: readonly HeldCall[];
}

/** A listener accepts no connections, and listens anew after a wait. */
export interface ListenerFailed extends EventBase<"listener.failed"> {
  /** The worker's id; `health` for the listener of its health alone. */
  readonly workerId: string;
  /** Where it listens. */
  readonly address: string;
  /** One sentence: what was found. */
  readonly message: string;
  /** How often in a row it has failed. */
  readonly attempt: number;
  /** How long until it listens anew, in milliseconds. */
  readonly retryInMs: number;
}

/** A listener that had failed accepts connections again. */
export interface ListenerRecovered
  extends EventBase<"listener.recovered">, Pick<ListenerFailed, "workerId" | "address"> {}

/** A listener adopted new credentials, or has ended its last connection under old ones. */
export interface ListenerGeneration extends EventBase<"listener.generation"> {
  /** The worker's id. */
  readonly workerId: string;
  /** The generation's number, rising by one. */
  readonly generation: number;
  /** `current`: takes new connections; `leaving`: finishes its calls; `ended`: its last call is done. */
  readonly state: "current" | "leaving" | "ended";
  /** The fingerprint of the credentials it was made with. */
  readonly fingerprint: string;
  /** Connections it holds. */
  readonly connections: number;
}
