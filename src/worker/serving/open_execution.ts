import type { CredentialsSource } from "../../credentials/mod.ts";
import type { Dispatcher } from "../../dispatch/mod.ts";
import { payloadLimits } from "../../limits/mod.ts";
import type { Clock, EventHub, Observer } from "../../observe/mod.ts";
import type { ListenForPeersOptions } from "../../peer/mod.ts";
import type { InvokeOptions, RoutineTable } from "../../routine/mod.ts";
import { Execution } from "./execution.ts";
import type { EveryWorkerLimit } from "../limits.ts";
import { loadRoutines, specifierOf } from "../modules.ts";
import type { WorkerServerOptions } from "../options.ts";
import { openOwnDispatcher, ownSocketOf } from "../own_dispatcher.ts";
import type { OwnSocket } from "../own_socket.ts";
import { createThreadPool, type ThreadPool } from "../threads/thread_pool.ts";
import { use } from "../use.ts";
import { LoopWatchdog } from "../watchdog/loop_watchdog.ts";
import { untilAborted } from "../../values/mod.ts";

/** What a worker's routines run with. */
export interface ExecutionGround {
  readonly id: string;
  readonly limits: EveryWorkerLimit;
  readonly clock: Clock;
  readonly hub: EventHub;
  readonly credentials: CredentialsSource | undefined;
  readonly allow: ListenForPeersOptions["allow"];
}

/** A worker's routines, and what runs them. */
export interface OpenedExecution {
  readonly table: RoutineTable;
  readonly execution: Execution;
  /** What the routines call others with. */
  readonly dispatcher: Dispatcher | undefined;
  /** Where they reach their own worker. */
  readonly own: OwnSocket | undefined;
}

/**
 * Loads a worker's routines and opens what they run with; `starting` closes it again.
 *
 * @throws {ConfigurationError} If a module cannot be loaded, or the dispatcher's options cannot be used.
 */
export async function openExecution(
  options: WorkerServerOptions,
  { id, limits, clock, hub, credentials, allow }: ExecutionGround,
  starting: AsyncDisposableStack,
): Promise<OpenedExecution> {
  const { table, threaded } = await untilAborted(loadRoutines(options), options.signal);
  const invoke: InvokeOptions = {
    sendStack: options.sendStacks,
    sendErrorData: options.sendErrorData,
    limits: payloadLimits(limits),
  };
  const threads = use(
    starting,
    threaded ? await startThreads(options, invoke, { id, limits, clock, hub }) : undefined,
  );
  const own = use(starting, await ownSocketOf(options, { credentials, allow, clock }));
  const dispatcher = use(
    starting,
    await openOwnDispatcher(options, { credentials, hub, id, clock, own }),
  );
  const watchdog = limits.blockedAfterMs === 0
    ? undefined
    : starting.use(watchdogFor(id, table, limits, hub.as(id)));
  return { table, execution: new Execution(invoke, threads, watchdog), dispatcher, own };
}

async function startThreads(
  options: WorkerServerOptions,
  invoke: InvokeOptions,
  { id: workerId, limits, clock, hub }: Pick<ExecutionGround, "id" | "limits" | "clock" | "hub">,
): Promise<ThreadPool> {
  const { modules = [], threads = Math.max(1, navigator.hardwareConcurrency - 1) } = options;
  return await createThreadPool({
    modules: modules.map(specifierOf),
    threads,
    invoke,
    graceMs: limits.threadGraceMs,
    clock,
    queued: (change) => hub.metrics.queued(change),
    onLost: (computing) =>
      hub.as(workerId).emit({ type: "worker.threads-lost", workerId, computing }),
  });
}

/** Notices which routine blocks the event loop. */
function watchdogFor(
  workerId: string,
  table: RoutineTable,
  { blockedAfterMs }: EveryWorkerLimit,
  observer: Observer,
): LoopWatchdog {
  return new LoopWatchdog({
    workerId,
    routines: table.describe().map(({ name }) => name),
    afterMs: blockedAfterMs,
    onBlocked: ({ routine, others, emitted }, blockedMs) => {
      if (!emitted) observer.emit({ type: "worker.blocked", workerId, routine, others, blockedMs });
    },
  });
}
