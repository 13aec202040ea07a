import { formatAddress, parseAddress } from "../channel/mod.ts";
import { dirname } from "node:path";
import { unusable } from "../errors/mod.ts";
import { threadEntry } from "../worker/mod.ts";
import { cacheEnvironment, configFlags, moduleFiles } from "./deno_setup.ts";
import { endingWithParent } from "./parent_death_signal.ts";
import { needsOf, type Policy, type PortableAuthenticator } from "../policy/mod.ts";
import type { SpawnOptions } from "./options.ts";

/** How to start a child: everything but the key material, which goes through its standard input. */
export interface SpawnCommand {
  /** The `deno` that runs this process, or what starts it. */
  readonly path: string;
  readonly args: readonly string[];
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>;
}

/** What decides about calls on the children. */
export interface CallRules {
  readonly policy: Policy | string | undefined;
  readonly authenticate: PortableAuthenticator | undefined;
}

const ENTRY = new URL("./spawned_worker.ts", import.meta.url);

/**
 * Works out how to start a pool's children, once for all of them.
 *
 * A child is a `data:` module in which the imports are written out, which needs no permission; all it is
 * allowed is to listen on a free loopback port. Only threads, which the platform loads anew, need to
 * read the modules' files.
 */
export async function spawnCommand(
  spawn: SpawnOptions,
  modules: readonly string[],
  { policy, authenticate }: CallRules,
): Promise<SpawnCommand> {
  const config = await configFlags(spawn.config);
  const read: string[] = spawn.threads === 0
    ? []
    : [...await moduleFiles([ENTRY.href, threadEntry.href, ...modules], config)];
  // A policy file is watched through the folder it lies in.
  if (typeof policy === "string") read.push(dirname(policy));
  const needs = needsOf(authenticate);
  // To connect to a unix socket takes all three.
  read.push(...needs.read, ...needs.sockets);
  const net = [
    // The ports of siblings are not known before they listen.
    spawn.siblings === true ? "127.0.0.1" : "127.0.0.1:0",
    ...listedAddresses(spawn.dispatcher?.discovery),
    ...needs.net,
    ...needs.sockets.map((path) => `unix:${path}`),
  ];
  const { path, args } = await endingWithParent(Deno.execPath());
  return {
    path,
    args: [
      ...args,
      "run",
      "--quiet",
      "--no-prompt",
      ...config,
      `--allow-net=${net.join(",")}`,
      ...(read.length === 0 ? [] : [`--allow-read=${read.join(",")}`]),
      ...(needs.sockets.length === 0 ? [] : [`--allow-write=${needs.sockets.join(",")}`]),
      ...extraPermissions(spawn.permissions ?? []),
      `data:text/javascript,${encodeURIComponent(mainModule(modules))}`,
    ],
    env: cacheEnvironment(),
  };
}

/** An import whose specifier is written out needs no permission, however late it happens. */
function mainModule(modules: readonly string[]): string {
  const imports = modules.map((module) => `() => import(${JSON.stringify(module)})`);
  return `import { serve } from ${JSON.stringify(ENTRY.href)};\nawait serve([${imports}]);\n`;
}

/** The addresses that a configuration lists; those of other discoveries are not known before. */
function listedAddresses(discovery: string | undefined): readonly string[] {
  const [, list] = /^static:(.*)$/.exec(discovery ?? "") ?? [];
  const addresses = list?.split(",").map((text) => parseAddress(text, "spawn.dispatcher")) ?? [];
  return addresses.filter(({ kind }) => kind === "tcp").map(formatAddress);
}

function extraPermissions(flags: readonly string[]): readonly string[] {
  for (const flag of flags) {
    if (/^--(allow|deny)-[a-z]+(=.*)?$/.test(flag)) continue;
    throw unusable(
      "spawn.permissions",
      `spawn.permissions takes flags such as --allow-read=PATH, not ${JSON.stringify(flag)}`,
    );
  }
  return flags;
}
