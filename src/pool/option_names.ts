import { SHARED_NAMES, SOURCE_NAMES } from "../dispatch/mod.ts";
import { insistOnModules, insistOnNames, type OptionNames } from "../errors/mod.ts";
import type { SpawnedDispatcherOptions, SpawnOptions, WorkerPoolOptions } from "./options.ts";

const { announcements: _, ...OF_THE_SOURCE } = SOURCE_NAMES;

const POOL_NAMES: OptionNames<WorkerPoolOptions> = {
  ...OF_THE_SOURCE,
  ...SHARED_NAMES,
  spawn: true,
};

const SPAWN_NAMES = {
  modules: true,
  count: true,
  threads: true,
  limits: true,
  tags: true,
  policy: true,
  authenticate: true,
  permissions: true,
  dispatcher: true,
  siblings: true,
  config: true,
  certificateTtlMs: true,
  startTimeoutMs: true,
  livenessTimeoutMs: true,
  drainGraceMs: true,
} satisfies OptionNames<SpawnOptions>;

const DISPATCHER_NAMES = {
  discovery: true,
  credentials: true,
  verdict: true,
  denylist: true,
  identity: true,
} satisfies OptionNames<SpawnedDispatcherOptions>;

/** @throws {ConfigurationError} If a pool has no option of such a name. */
export function insistOnPoolNames(options: WorkerPoolOptions): void {
  insistOnNames("a pool", options, POOL_NAMES);
  const { spawn = {} } = options;
  insistOnNames("spawn", spawn, SPAWN_NAMES, "spawn");
  const { dispatcher = {}, modules = [] } = spawn as Partial<SpawnOptions>;
  insistOnModules("spawn.modules", modules);
  insistOnNames("spawn.dispatcher", dispatcher, DISPATCHER_NAMES, "spawn.dispatcher");
}
