import { SHARED_NAMES, SOURCE_NAMES } from "../dispatch/mod.ts";
import { isRoutine } from "../contract/mod.ts";
import {
  insistOnKind,
  insistOnModules,
  insistOnNames,
  isTextOrTexts,
  type OptionNames,
} from "../errors/mod.ts";
import type { Authenticator } from "../policy/mod.ts";
import type { AnonymousOptions } from "./admission/anonymous_options.ts";
import type { WorkerDispatcherOptions, WorkerServerOptions } from "./options.ts";

const WORKER_NAMES = {
  listen: true,
  advertise: true,
  id: true,
  modules: true,
  routines: true,
  services: true,
  credentials: true,
  verdict: true,
  denylist: true,
  allow: true,
  policy: true,
  admit: true,
  authenticate: true,
  plaintext: true,
  anonymous: true,
  strict: true,
  minTlsVersion: true,
  nativeTls: true,
  reflection: true,
  publish: true,
  tags: true,
  threads: true,
  sendStacks: true,
  sendErrorData: true,
  dispatcher: true,
  health: true,
  metrics: true,
  admin: true,
  signal: true,
  limits: true,
} satisfies OptionNames<WorkerServerOptions>;

const { admin: _, ...OF_ANY_DISPATCHER } = SHARED_NAMES;

const DISPATCHER_NAMES: OptionNames<WorkerDispatcherOptions> = {
  ...SOURCE_NAMES,
  ...OF_ANY_DISPATCHER,
};

const AUTHENTICATOR_NAMES = {
  require: true,
  authenticate: true,
  open: true,
} satisfies OptionNames<Authenticator>;

const ANONYMOUS_NAMES = {
  from: true,
  routines: true,
  concurrency: true,
} satisfies OptionNames<AnonymousOptions>;

/** @throws {ConfigurationError} If a worker has no option of such a name. */
export function insistOnWorkerNames(options: WorkerServerOptions): void {
  insistOnNames("a worker", options, WORKER_NAMES);
  insistOnKinds(options);
  const { dispatcher = {}, anonymous = {}, authenticate } = options;
  insistOnNames("a worker's dispatcher", dispatcher, DISPATCHER_NAMES, "dispatcher");
  insistOnNames("anonymous", anonymous, ANONYMOUS_NAMES, "anonymous");
  if (isPlain(authenticate)) {
    insistOnNames("authenticate", authenticate, AUTHENTICATOR_NAMES, "authenticate");
  }
}

const ADDRESS = 'an address such as "127.0.0.1:8443"';

function insistOnKinds(options: WorkerServerOptions): void {
  const { listen = [], allow = [], modules = [], routines = [], tags = [] } = options;
  insistOnKind("listen", listen, isTextOrTexts(listen), `${ADDRESS}, or a list of them`);
  for (const setting of ["advertise", "health"] as const) {
    const given = options[setting] ?? "";
    insistOnKind(setting, given, typeof given === "string", ADDRESS);
  }
  insistOnKind("allow", allow, isTextOrTexts(allow), "a pattern of identities, or a list of them");
  insistOnKind("tags", tags, Array.isArray(tags) && isTextOrTexts(tags), "a list of texts");
  insistOnModules("modules", modules);
  const { services = () => {} } = options;
  insistOnKind("services", services, typeof services === "function", "a function of a router");
  if (!Array.isArray(routines)) return;
  for (const [at, given] of routines.entries()) {
    insistOnKind(
      `routines[${at}]`,
      given,
      isRoutine(given),
      "what routine() or implement() returns",
    );
  }
}

/** Whether a value was written down as one: an object of a class may hold what it likes. */
function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}
