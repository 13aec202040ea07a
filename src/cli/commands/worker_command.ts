import { Command } from "commander";
import { unusable } from "../../errors/mod.ts";
import {
  type AnonymousOptions,
  collectOnceIdle,
  defaultWorkerLimits,
  reportBlockedOn,
  type WorkerDispatcherOptions,
  WorkerServer,
  type WorkerServerOptions,
} from "../../worker/mod.ts";
import {
  type CredentialsFlags,
  credentialsOf,
  withCredentialsFlags,
} from "../credentials_flags.ts";
import {
  announcementsFlag,
  type FleetFlags,
  fleetOptions,
  withFleetFlags,
} from "../caller_flags.ts";
import { countFlag, durationFlag, flag, listFlag, switchFlag, withFlags } from "../flag.ts";
import { configureLog, type LogFlags, withLogFlag } from "../log.ts";
import { keepStdout } from "../own_stdout.ts";

/** `selvage worker`: serves the routines of modules until a signal stops it. */
export function workerCommand(): Command {
  const { concurrency, queueCalls, announceGraceMs, drainGraceMs } = defaultWorkerLimits;
  const command = new Command("worker")
    .description("serve the routines that modules export")
    .argument("<MODULE...>", "files or URLs of modules")
    .addHelpText("after", EXAMPLES)
    .action(work);
  withFlags(
    command,
    flag("--listen <HOST:PORT>", "where to listen, port 0 for any; [IPv6]:PORT, unix:PATH")
      .default("127.0.0.1:0"),
    flag("--advertise <HOST:PORT>", "the address that others reach it by", "where it listens"),
    listFlag(
      "--allow <PATTERN>",
      "the identities that may connect with mutual TLS, such as spiffe://example.org/client/*; may be " +
        "given again",
    ),
    flag("--policy <FILE>", "who may call what: a policy file, read again as it changes"),
    flag(
      "--plaintext <accept|refuse>",
      "whether a TLS port also accepts plaintext callers",
      "refuse",
    ).choices(["accept", "refuse"]),
    listFlag(
      "--anonymous-from <NETWORK>",
      "the networks that plaintext callers may call from; may be given again",
    ),
    listFlag(
      "--anonymous-routine <GLOB>",
      "the routines that plaintext callers may call; may be given again",
    ),
    switchFlag(
      "--strict",
      "refuse to start with anything open: every TCP address, loopback included, takes mutual TLS " +
        "alone, a unix socket lies in a folder that no other user can change, and --metrics are " +
        "served on loopback alone",
    ),
    flag(
      "--publish <URL>",
      "where it announces itself: local:NAMESPACE, lan:FLEET or etcd:http(s)://…",
    ),
    listFlag("--tag <TAG>", "a tag of this worker; may be given again"),
    flag("--health <HOST:PORT>", "where to serve only health, in plaintext"),
    switchFlag("--metrics", "show metrics for Prometheus where health is served"),
    flag("--admin <PATH>", "a unix socket for selvage top and rehearse, in a folder of mode 700"),
    flag("--reflection <on|off>", "gRPC server reflection", "on with mutual TLS")
      .choices(["on", "off"]),
    countFlag("--concurrency <N>", "calls at once", 1, String(concurrency)),
    countFlag("--queue <N>", "calls that wait for a place", 0, String(queueCalls)),
    flag("--discover <URL>", "where its routines find workers to call, as in call --discover"),
    announcementsFlag(),
    listFlag("--identity <ID>", "who those must prove to be; may be given again"),
    countFlag(
      "--threads <N>",
      'threads for routines declared with run: "thread"',
      1,
      "one less than there are cores",
    ),
    durationFlag(
      "--announce-grace <DURATION>",
      "how long calls are still taken when it stops, after discovery and health say so",
      `${announceGraceMs / 1_000}s`,
    ),
    durationFlag(
      "--drain-grace <DURATION>",
      "how long calls in flight may go on when it stops",
      `${drainGraceMs / 1_000}s`,
    ),
  );
  return withLogFlag(withCredentialsFlags(withFleetFlags(command)), "info");
}

const EXAMPLES = `
Examples:
  selvage worker math.ts
  selvage worker math.ts --listen 0.0.0.0:8443 --advertise math.internal:8443 \\
    --ca ca.pem --cert worker.pem --key worker.key --allow 'spiffe://example.org/client/*'
  selvage worker math.ts --listen 0.0.0.0:8443 --spiffe-socket /run/spire/agent.sock \\
    --allow 'spiffe://example.org/**' --policy policy.jsonc --strict --health 0.0.0.0:9090
`;

/** The flags of `selvage worker`. */
export interface WorkerFlags extends CredentialsFlags, FleetFlags, LogFlags {
  readonly listen: string;
  readonly advertise?: string;
  readonly allow?: readonly string[];
  readonly policy?: string;
  readonly plaintext?: "accept" | "refuse";
  readonly anonymousFrom?: readonly string[];
  readonly anonymousRoutine?: readonly string[];
  readonly strict?: boolean;
  readonly publish?: string;
  readonly tag?: readonly string[];
  readonly health?: string;
  readonly metrics?: boolean;
  readonly admin?: string;
  readonly reflection?: "on" | "off";
  readonly concurrency?: number;
  readonly queue?: number;
  readonly discover?: string;
  readonly announcements?: "any" | "signed";
  readonly identity?: readonly string[];
  readonly threads?: number;
  readonly announceGrace?: number;
  readonly drainGrace?: number;
}

async function work(modules: readonly string[], flags: WorkerFlags): Promise<void> {
  await configureLog(flags);
  if (flags.logLevel === "debug" || flags.logLevel === "info" || flags.logLevel === "warning") {
    reportBlockedOn("log");
  }
  const credentials = credentialsOf(flags, "worker");
  if (credentials !== undefined && flags.oneWay !== true && flags.allow === undefined) {
    throw unusable(
      "--allow",
      'mutual TLS needs --allow to say who may connect; --allow "*" is anyone the CA vouches for',
    );
  }
  const print = keepStdout();
  const stop = abortedBySignals();
  const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  await using worker = await unlessAborted(stop, {
    modules,
    listen: flags.listen,
    advertise: flags.advertise,
    credentials,
    verdict: flags.verdict,
    denylist: flags.denylist,
    allow: flags.allow,
    policy: flags.policy,
    strict: flags.strict,
    plaintext: flags.plaintext,
    anonymous: anonymousOf(flags),
    publish: flags.publish,
    tags: flags.tag,
    dispatcher: dispatcherOf(flags),
    threads: flags.threads,
    health: flags.health,
    metrics: flags.metrics,
    admin: flags.admin,
    reflection: flags.reflection === undefined ? undefined : flags.reflection === "on",
    limits: {
      concurrency: flags.concurrency,
      queueCalls: flags.queue,
      announceGraceMs: flags.announceGrace,
      drainGraceMs: flags.drainGrace,
    },
  });
  if (worker === undefined) return;
  const { id, address, url, security } = worker;
  print(JSON.stringify({ event: "worker.ready", id, address, url, security }));
  using _ = collectOnceIdle(worker);
  await stopped;
}

function anonymousOf(
  { anonymousFrom, anonymousRoutine }: WorkerFlags,
): AnonymousOptions | undefined {
  if (anonymousFrom === undefined && anonymousRoutine === undefined) return undefined;
  return { from: anonymousFrom ?? [], routines: anonymousRoutine };
}

/** Where its routines call others; they are the worker itself there. */
function dispatcherOf(
  flags: WorkerFlags,
): WorkerDispatcherOptions | undefined {
  const { discover, announcements, identity, quorum } = flags;
  const fleet = fleetOptions(flags);
  if (discover !== undefined) return { discovery: discover, announcements, identity, ...fleet };
  if (quorum !== undefined) {
    throw unusable("--discover", "--quorum is about the workers of --discover, which is missing");
  }
  if (announcements !== undefined) {
    throw unusable("--discover", "--announcements is about those of --discover, which is missing");
  }
  if (identity === undefined) return undefined;
  throw unusable(
    "--discover",
    "--identity says who the workers of --discover must prove to be, and that is missing; who may " +
      "connect here is --allow",
  );
}

/** The worker; `undefined` where it was stopped while it started, which is no failure. */
async function unlessAborted(
  signal: AbortSignal,
  options: WorkerServerOptions,
): Promise<WorkerServer | undefined> {
  try {
    return await WorkerServer.start({ ...options, signal });
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  }
}

/** Listened for from the start on, so that a signal also stops a worker that is still starting. */
function abortedBySignals(): AbortSignal {
  const stop = new AbortController();
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    let heard = 0;
    Deno.addSignalListener(signal, () => {
      stop.abort();
      // A second signal means: do not wait for the calls in flight.
      if (++heard > 1) Deno.exit(128 + number);
    });
  }
  return stop.signal;
}
