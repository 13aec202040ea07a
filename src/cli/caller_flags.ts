import type { Command, Option } from "commander";
import { parseAddress } from "../channel/mod.ts";
import { defaultDispatcherLimits, Dispatcher, type DispatcherOptions } from "../dispatch/mod.ts";
import { ConfigurationError, unusable } from "../errors/mod.ts";
import { type CredentialsFlags, credentialsOf, withCredentialsFlags } from "./credentials_flags.ts";
import { countFlag, flag, listFlag, switchFlag, timeoutFlag, withFlags } from "./flag.ts";
import { readText } from "./files.ts";
import { configureLog, type LogFlags, withLogFlag } from "./log.ts";

/** The flags of every command that calls workers. */
export interface CallerFlags extends CredentialsFlags, LogFlags {
  readonly endpoint?: readonly string[];
  readonly discover?: string;
  readonly announcements?: "any" | "signed";
  readonly identity?: readonly string[];
  readonly strict?: boolean;
  readonly tokenFile?: string;
  readonly timeout?: number;
}

/** The flags of commands that share calls among the workers of a fleet. */
export interface FleetFlags {
  readonly lease?: number;
  readonly leaseOrdinal?: number;
  readonly quorum?: number;
}

/** Where the workers may be named: their addresses, a discovery URL, or either. */
export type Targets = "endpoint" | "discover" | "either";

/**
 * Adds the flags of a caller to a command.
 *
 * @param timeout How long it takes where `--timeout` does not say, as a person would write it.
 */
export function withCallerFlags(command: Command, targets: Targets, timeout: string): Command {
  if (targets !== "discover") {
    command.addOption(listFlag("--endpoint <HOST:PORT>", "a worker's address; may be given again"));
  }
  if (targets !== "endpoint") {
    withFlags(
      command,
      flag(
        "--discover <URL>",
        "where the workers are: static:HOST:PORT,…, dns:NAME:PORT, dns+srv:NAME, file:PATH, " +
          "local:NAMESPACE, lan:FLEET, k8s:NAMESPACE/SERVICE:PORT or etcd:https://HOST:PORT/PREFIX",
      ),
      announcementsFlag(),
    );
  }
  withFlags(
    command,
    listFlag(
      "--identity <ID>",
      "who the workers must prove to be; may be given again",
      targets === "endpoint" ? "the host of --endpoint" : "the configured host",
    ),
    switchFlag("--strict", STRICT),
    flag("--token-file <FILE>", "the token that says who calls; read for every call"),
    timeoutFlag("how long it may take", timeout),
  );
  // A failure is printed in one line when the command ends; the log would print it twice.
  return withLogFlag(withCredentialsFlags(command), "fatal");
}

/** Which announcements of a discovery are used. */
export function announcementsFlag(): Option {
  return flag(
    "--announcements <KIND>",
    "any of --discover, or only those that the worker has signed with its certificate's key",
    "any",
  ).choices(["any", "signed"]);
}

/** Adds the flags that say how much of a fleet is used. */
export function withFleetFlags(command: Command): Command {
  const { maxWorkers } = defaultDispatcherLimits;
  return withFlags(
    command,
    countFlag(
      "--lease <N>",
      "how many of the workers of --discover are used at most",
      1,
      String(maxWorkers),
    ),
    countFlag(
      "--lease-ordinal <N>",
      "which of the callers this is, from 0: those with different ordinals divide the workers evenly",
      0,
    ),
    countFlag("--quorum <N>", "how many workers must take calls before the first is made", 1, "1"),
  );
}

/**
 * What those flags say, as a dispatcher takes it.
 *
 * @throws {ConfigurationError} If one is given without the flag that it belongs to.
 */
export function fleetOptions(
  { discover, lease, leaseOrdinal, quorum }: FleetFlags & { readonly discover?: string },
): Pick<DispatcherOptions, "lease" | "quorum"> {
  if (lease !== undefined && discover === undefined) {
    throw unusable("--discover", "--lease is about the workers of --discover, which is missing");
  }
  if (leaseOrdinal !== undefined && lease === undefined) {
    throw unusable("--lease", "--lease-ordinal belongs to --lease, which is missing");
  }
  return {
    ...(lease === undefined ? {} : { lease: { workers: lease, ordinal: leaseOrdinal } }),
    ...(quorum === undefined ? {} : { quorum }),
  };
}

const STRICT = "speak TLS over every TCP address, loopback included, or fail; plaintext only " +
  "through a unix socket in a folder that no other user can change";

/** Opens the dispatcher that the flags describe. */
export async function openDispatcher(
  flags: CallerFlags,
  targets: Targets,
  more: Pick<DispatcherOptions, "balancer" | "lease" | "quorum"> = {},
): Promise<Dispatcher> {
  await configureLog(flags);
  const credentials = credentialsOf(flags, "caller");
  const { tokenFile } = flags;
  const options: DispatcherOptions = {
    discovery: discoveryOf(flags, targets),
    credentials,
    verdict: flags.verdict,
    denylist: flags.denylist,
    identity: flags.identity,
    announcements: flags.announcements,
    strict: flags.strict,
    ...more,
    ...(tokenFile === undefined ? {} : { token: () => tokenIn(tokenFile) }),
  };
  return await Dispatcher.open(options).catch((error) => {
    if (!(error instanceof ConfigurationError) || error.setting !== "discovery") throw error;
    // What was given is a flag; the library's option is not what a person can change.
    throw unusable(namedBy(flags), error.message, error);
  });
}

/** The flag that says where the workers are. */
function namedBy({ discover }: CallerFlags): "--discover" | "--endpoint" {
  return discover === undefined ? "--endpoint" : "--discover";
}

async function tokenIn(file: string): Promise<string> {
  const token = (await readText(file, "write the token there", "--token-file")).trim();
  if (token !== "") return token;
  throw unusable("--token-file", `--token-file: ${file} holds no token`);
}

function discoveryOf({ endpoint, discover }: CallerFlags, targets: Targets): string {
  const named = {
    endpoint: "--endpoint",
    discover: "--discover",
    either: "--endpoint or --discover",
  };
  if (endpoint !== undefined && discover !== undefined) {
    throw unusable("--discover", "--endpoint and --discover exclude each other");
  }
  if (discover !== undefined) return discover;
  if (endpoint !== undefined) return `static:${endpoint.map(checkedEndpoint).join(",")}`;
  throw unusable(
    targets === "discover" ? "--discover" : "--endpoint",
    `${named[targets]} must say where the workers are`,
  );
}

/** A discovery URL, or a URL of the web, given where an address belongs. */
const WITH_SCHEME =
  /^(?:https?:\/\/(?<authority>[^/]+)|(?:static|dns|dns\+srv|file|local|k8s|etcd):)/i;

/**
 * The address that `--endpoint` names.
 *
 * @throws {ConfigurationError} If it is not an address.
 */
export function checkedEndpoint(text: string): string {
  const fault = (message: string, cause?: unknown) => unusable("--endpoint", message, cause);
  if (text === "") throw fault("--endpoint is empty; write HOST:PORT");
  try {
    parseAddress(text, "--endpoint");
    return text;
  } catch (cause) {
    const { message } = cause as Error;
    const scheme = WITH_SCHEME.exec(text);
    if (scheme === null) throw fault(`--endpoint: ${message}`, cause);
    const { authority } = scheme.groups!;
    const advice = authority === undefined
      ? "discovery URLs belong to --discover"
      : "an address has no scheme and no path";
    throw fault(`--endpoint: ${message}; ${advice}`, cause);
  }
}
