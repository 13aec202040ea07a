import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unusable } from "../errors/mod.ts";
import { specifierOf } from "../worker/mod.ts";

/** Modules as absolute specifiers; relative paths are relative to the working directory. */
export function absoluteModules(
  modules: readonly (string | URL)[] = [Deno.mainModule],
): readonly string[] {
  if (modules.length === 0) {
    throw unusable("spawn.modules", "spawn.modules names no module to serve");
  }
  return modules.map(specifierOf);
}

/**
 * The configuration that this program itself runs with, so that bare specifiers mean the same.
 *
 * @throws {ConfigurationError} If this program may not read where it would be.
 */
export async function configFlags(config: string | URL | undefined): Promise<readonly string[]> {
  if (config !== undefined) return ["--config", filePath(config)];
  const main = mainPath();
  for (let folder = main === undefined ? Deno.cwd() : dirname(main);; folder = dirname(folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = join(folder, name);
      if (await isFile(path)) return ["--config", path];
    }
    if (dirname(folder) === folder) return [];
  }
}

function mainPath(): string | undefined {
  const main = Deno.mainModule;
  return main.startsWith("file:") ? fileURLToPath(main) : undefined;
}

function filePath(file: string | URL): string {
  return typeof file === "string" ? file : fileURLToPath(file);
}

async function isFile(path: string): Promise<boolean> {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") {
    throw unusable(
      "spawn.config",
      `workers resolve imports by this program's deno.json, and it may not look for ${path}: ` +
        "allow reading it, or name the file in spawn.config",
    );
  }
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false; // absent
  }
}

/** The environment is cleared but for where the platform keeps the code it has downloaded. */
export function cacheEnvironment(): Readonly<Record<string, string>> {
  const set = variable("DENO_DIR");
  if (set !== undefined) return { DENO_DIR: set };
  const cache = variable("XDG_CACHE_HOME");
  if (cache !== undefined && Deno.build.os === "linux") return { DENO_DIR: join(cache, "deno") };
  const home = variable("HOME");
  if (home === undefined) return {};
  return {
    DENO_DIR: Deno.build.os === "darwin"
      ? join(home, "Library", "Caches", "deno")
      : join(home, ".cache", "deno"),
  };
}

function variable(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

/**
 * Every file of this machine that modules and all they import are made of: what a thread must be
 * allowed to read to load them.
 *
 * @param modules Absolute specifiers.
 * @param config What {@linkcode configFlags} gave.
 * @returns Paths; none where the graph cannot be made, since loading then fails in words that name
 * the module at fault.
 */
export async function moduleFiles(
  modules: readonly string[],
  config: readonly string[],
): Promise<readonly string[]> {
  const imports = modules.map((module) => `import ${JSON.stringify(module)};`).join("");
  const main = `data:text/javascript,${encodeURIComponent(imports)}`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--quiet", "--json", ...config, main],
    clearEnv: true,
    env: { ...cacheEnvironment() },
    stdin: "null",
    stderr: "null",
  });
  const { success, stdout } = await allowedToRun(() => command.output());
  if (!success) return [];
  const { modules: graph }: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  return graph.flatMap(({ specifier, local }) =>
    specifier.startsWith("file:") && local !== undefined ? [local.replaceAll(",", ",,")] : []
  );
}

/**
 * Starts a process.
 *
 * @throws {ConfigurationError} If this program may not.
 */
export function allowedToRun<Started>(start: () => Started): Started {
  try {
    return start();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw unusable(
      "spawn",
      `workers are processes of their own, which takes --allow-run=${Deno.execPath()}`,
      cause,
    );
  }
}

/** What `deno info --json` prints, as far as it is used. */
interface ModuleGraph {
  readonly modules: readonly { readonly specifier: string; readonly local?: string }[];
}
