import { insistOnNames, type OptionNames } from "../errors/mod.ts";
import type { DispatcherOptions, SharedDispatcherOptions, WorkerSource } from "./options.ts";

/** The options of a source of workers. */
export const SOURCE_NAMES = {
  discovery: true,
  credentials: true,
  verdict: true,
  denylist: true,
  identity: true,
  announcements: true,
  lease: true,
} satisfies OptionNames<WorkerSource>;

/** The options of a dispatcher, whatever its sources are. */
export const SHARED_NAMES = {
  strict: true,
  minTlsVersion: true,
  token: true,
  call: true,
  balancer: true,
  quorum: true,
  admin: true,
  limits: true,
} satisfies OptionNames<SharedDispatcherOptions>;

const DISPATCHER_NAMES: OptionNames<DispatcherOptions> = { ...SOURCE_NAMES, ...SHARED_NAMES };

/** @throws {ConfigurationError} If a dispatcher has no option of such a name. */
export function insistOnDispatcherNames(options: DispatcherOptions): void {
  insistOnNames("a dispatcher", options, DISPATCHER_NAMES);
}
