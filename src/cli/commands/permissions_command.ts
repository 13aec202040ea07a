import { isIP } from "node:net";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { parseAddress } from "../../channel/mod.ts";
import { caValues, labelledCa } from "../../credentials/mod.ts";
import { permissionNeeds } from "../../discovery/mod.ts";
import { absoluteModules, configFlags, moduleFiles } from "../../pool/mod.ts";
import { endpointSocket } from "../../spiffe/mod.ts";
import { threadEntry } from "../../worker/mod.ts";
import type { CallerFlags } from "../caller_flags.ts";
import type { CredentialsFlags } from "../credentials_flags.ts";
import { switchFlag } from "../flag.ts";
import { jsonOf } from "../json_value.ts";
import { printLine } from "../print.ts";
import { unknownCommand } from "../unknown_command.ts";
import { readPaths } from "./read_paths.ts";
import type { WorkerFlags } from "./worker_command.ts";

/**
 * `selvage permissions`: the least that Deno must allow for a command to run.
 *
 * @param commands The commands that it knows; they parse their own flags.
 */
export function permissionsCommand(commands: () => readonly Command[]): Command {
  return new Command("permissions")
    .description("print the least Deno permissions that a command needs, with its flags")
    .argument("<COMMAND...>", "the command, with the flags it will be run with")
    .addOption(switchFlag("--json", "print one JSON object"))
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText("after", EXAMPLES)
    .action(async ([name, ...args]: readonly string[], { json = false }: PermissionsFlags) => {
      const command = commands().find((command) => command.name() === name);
      if (command === undefined) {
        throw unknownCommand(name, commands().map((one) => one.name()));
      }
      const needs = new Needs();
      const leaves = command.commands.length === 0 ? [command] : command.commands;
      for (const inner of leaves) {
        inner.action(async (...given: unknown[]) => {
          await demand(inner, given, needs);
          const { flags, permissions } = needs;
          printLine(
            json ? jsonOf({ command: fullName(inner), flags, permissions }) : flags.join(" "),
          );
        });
      }
      await command.parseAsync(args, { from: "user" });
    });
}

const EXAMPLES = `
Examples:
  selvage permissions worker math.ts --listen 0.0.0.0:8443 --policy policy.jsonc
  selvage permissions call math.add --endpoint 127.0.0.1:8443
  selvage permissions --json health --endpoint 127.0.0.1:8443
  deno run $(selvage permissions call math.add --endpoint 127.0.0.1:8443) \\
    src/cli/main.ts call math.add '[1,2]' --endpoint 127.0.0.1:8443
`;

interface PermissionsFlags {
  readonly json?: boolean;
}

function fullName(command: Command): string {
  const group = command.parent;
  return group === null ? command.name() : `${group.name()} ${command.name()}`;
}

/** What a command must be allowed to do. */
class Needs {
  readonly #read = new Set<string>();
  readonly #write = new Set<string>();
  readonly #net = new Set<string>();
  readonly #env = new Set<string>(["SELVAGE_*"]);
  #everywhere = false;
  readonly #sys = new Set<string>();

  /** By kind: what may be used, or `true` for everything. */
  get permissions(): Readonly<Record<string, readonly string[] | true>> {
    const named = { net: this.#net, read: this.#read, write: this.#write, sys: this.#sys };
    const some = Object.entries(named).filter(([, values]) => values.size > 0)
      .map(([kind, values]) => [kind, [...values]] as const);
    const permissions = { env: [...this.#env], ...Object.fromEntries(some) };
    return this.#everywhere ? { ...permissions, net: true } : permissions;
  }

  /** As Deno takes them. */
  get flags(): readonly string[] {
    return Object.entries(this.permissions).map(([kind, values]) =>
      values === true ? `--allow-${kind}` : `--allow-${kind}=${values.join(",")}`
    );
  }

  read(...paths: readonly string[]): void {
    for (const path of paths) this.#read.add(path);
  }

  write(path: string): void {
    this.#write.add(path);
  }

  /** To listen at, or to dial. */
  net(text: string, setting: string): void {
    const address = parseAddress(text, setting);
    if (address.kind === "tcp") this.#net.add(text);
    if (address.kind === "unix") this.socket(address.path);
  }

  /** To send a token there: through a unix socket only where it is ours, in a folder of our own. */
  token(text: string, setting: string): void {
    const address = parseAddress(text, setting);
    if (address.kind !== "unix") return;
    // The owner of each folder on the way is checked, but for the root.
    for (let at = dirname(resolve(address.path)); at !== dirname(at); at = dirname(at)) {
      this.read(at);
    }
    this.#sys.add("uid");
  }

  /** To listen there. */
  listen(text: string, setting: string): void {
    this.net(text, setting);
    const address = parseAddress(text, setting);
    // A socket is created for its owner alone by the umask.
    if (address.kind === "unix") this.#sys.add("umask");
    // Deno takes the name for looking it up, and then the address that it has, which is not known in advance.
    if (address.kind === "tcp" && isIP(address.host) === 0) this.#everywhere = true;
  }

  /** To listen at an admin socket: its folder is made, and every folder above it is checked. */
  admin(path: string): void {
    this.token(`unix:${path}`, "--admin");
    this.write(dirname(resolve(path)));
    this.#net.add(`unix:${path}`);
    this.#sys.add("umask");
  }

  /** To dial what a discovery lists; what any other finds is not known in advance. */
  discovery(url: string | undefined, dial: (address: string) => void): void {
    if (url?.startsWith("static:") === true) {
      for (const address of url.slice("static:".length).split(",")) dial(address);
    } else if (url !== undefined) this.#everywhere = true;
    const { read = [], write = [], env = [], sys = [] } = permissionNeeds(url ?? "");
    this.read(...read);
    for (const path of write) this.write(path);
    for (const name of env) this.#env.add(name);
    for (const kind of sys) this.#sys.add(kind);
  }

  /** A unix socket to listen at, or to dial. */
  socket(path: string): void {
    this.read(path);
    this.write(path);
    this.#net.add(`unix:${path}`);
  }
}

function caFiles(ca: readonly string[] | undefined): readonly string[] {
  if (ca === undefined) return [];
  const { ca: ours, domains } = caValues(labelledCa(ca));
  return [...ours === undefined || ours === "system" ? [] : [ours], ...domains.values()];
}

async function demand(command: Command, given: readonly unknown[], needs: Needs): Promise<void> {
  const flags = command.opts<CredentialsFlags & { readonly config?: string }>();
  if (flags.config !== undefined) needs.read(resolve(flags.config));
  for (const file of [...caFiles(flags.ca), flags.cert, flags.key, flags.denylist]) {
    // Files are watched through the folder they lie in.
    if (file !== undefined) needs.read(dirname(resolve(file)));
  }
  if (flags.spiffeSocket !== undefined) {
    needs.socket(endpointSocket(flags.spiffeSocket, "--spiffe-socket").path);
  }
  if (command.name() === "worker") {
    const { listen, health, discover, publish, policy, admin } = command.opts<WorkerFlags>();
    if (admin !== undefined) needs.admin(admin);
    // A policy file is watched through the folder it lies in.
    if (policy !== undefined) needs.read(dirname(resolve(policy)));
    needs.listen(listen, "--listen");
    if (health !== undefined) needs.listen(health, "--health");
    needs.discovery(discover, (address) => needs.net(address, "--discover"));
    needs.discovery(publish, (address) => needs.net(address, "--publish"));
    const modules = [threadEntry.href, ...absoluteModules(given[0] as readonly string[])];
    needs.read(...readPaths(await moduleFiles(modules, await configFlags(undefined)), SOURCE));
  } else if (command.parent?.name() === "certs" && command.name() === "check") {
    needs.read(...(given[0] as readonly string[]).map((file) => resolve(file)));
  } else if (command.parent?.name() === "policy") {
    const { claims } = command.opts<{ readonly claims?: string }>();
    const files = command.name() === "test" ? given.slice(0, 2) : given.slice(0, 1);
    needs.read(
      ...[...files as readonly string[], ...(claims === undefined ? [] : [claims])].map((file) =>
        resolve(file)
      ),
    );
  } else if (command.parent?.name() === "certs") {
    const folder = resolve(given[0] as string);
    needs.read(folder);
    needs.write(folder);
  } else {
    const { endpoint = [], discover, tokenFile } = command.opts<
      Omit<CallerFlags, "endpoint"> & { readonly endpoint?: string | readonly string[] }
    >();
    if (tokenFile !== undefined) needs.read(resolve(tokenFile));
    const dial = (address: string, setting: string) => {
      needs.net(address, setting);
      if (tokenFile !== undefined) needs.token(address, setting);
    };
    for (const address of [endpoint].flat()) dial(address, "--endpoint");
    needs.discovery(discover, (address) => dial(address, "--discover"));
  }
}

/** The folder of this package's own code, where it is on this machine's disk: of its sources, or of a bundle's files. */
const SOURCE = import.meta.url.startsWith("file:")
  ? fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../.." : ".", import.meta.url))
    .replace(/\/$/, "")
  : undefined;
