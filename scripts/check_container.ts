/**
 * Checks that `deploy/container/deno.json` and its lock file are those of the project, without the packages that only
 * tests and other scripts import: building an image then fetches 24 MB of packages instead of 240. `--write` writes
 * them anew.
 *
 * @module
 */
const FOLDER = "deploy/container";

interface Lock {
  readonly version: string;
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

const project = JSON.parse(await Deno.readTextFile("deno.json"));
const lock: Lock = JSON.parse(await Deno.readTextFile("deno.lock"));
const imports = await importedFrom([
  ...Object.values<string>(project.exports),
  ...await builtFrom(`${FOLDER}/Containerfile`),
]);
const { name, version, exports, compilerOptions } = project;
const made = {
  "deno.json": { name, version, exports, imports, compilerOptions },
  "deno.lock": prunedTo(Object.values(imports)),
};

if (Deno.args.includes("--write")) {
  for (const [file, value] of Object.entries(made)) {
    await Deno.writeTextFile(`${FOLDER}/${file}`, `${JSON.stringify(value, undefined, 2)}\n`);
  }
}
for (const [file, value] of Object.entries(made)) {
  const path = `${FOLDER}/${file}`;
  if (JSON.stringify(JSON.parse(await Deno.readTextFile(path))) === JSON.stringify(value)) continue;
  console.error(
    `${path} is not that of the code; write it anew: deno run -A scripts/check_container.ts --write`,
  );
  Deno.exit(1);
}

/** The modules that the image is built of, and what builds it, as its Containerfile names them in its first stage. */
async function builtFrom(containerfile: string): Promise<readonly string[]> {
  const text = await Deno.readTextFile(containerfile);
  return Array.from(text.matchAll(/ \/build\/(\S+\.ts)(?= |$)/gm), ([, path]) => path!);
}

/** Those of the project's imports that modules reach from these, with their versions. */
async function importedFrom(entries: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const found = new Set<string>();
  for (const entry of entries) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--frozen", entry],
      stderr: "inherit",
    }).output();
    for (const { dependencies = [] } of JSON.parse(new TextDecoder().decode(stdout)).modules) {
      for (const { specifier } of dependencies) found.add(packageOf(specifier));
    }
  }
  return Object.fromEntries(
    Object.entries<string>(project.imports).filter(([name]) => found.has(name)),
  );
}

/** `@scope/name` of `@scope/name/path`. */
function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The lock file with these packages, and those that they depend on. */
function prunedTo(wanted: readonly string[]): object {
  const kept = new Set<string>();
  const keep = (key: string): void => {
    if (kept.has(key)) return;
    kept.add(key);
    const { dependencies = [], optionalDependencies = [] } = lock.npm[key]!;
    for (const one of [...dependencies, ...optionalDependencies]) keep(keyOf(one));
  };
  for (const specifier of wanted) {
    keep(`${specifier.slice("npm:".length).replace(/@[^@]*$/, "")}@${lock.specifiers[specifier]}`);
  }
  const only = <Value>(all: Readonly<Record<string, Value>>, those: ReadonlySet<string>) =>
    Object.fromEntries(Object.entries(all).filter(([key]) => those.has(key)));
  return {
    version: lock.version,
    specifiers: only(lock.specifiers, new Set(wanted)),
    npm: only(lock.npm, kept),
    workspace: { dependencies: [...wanted].sort() },
  };
}

/** The package that a dependency means; its version is left out where there is one alone. */
function keyOf(dependency: string): string {
  if (dependency in lock.npm) return dependency;
  const [key, ...others] = Object.keys(lock.npm).filter((one) => one.startsWith(`${dependency}@`));
  if (key === undefined || others.length > 0) {
    throw new Error(`${dependency} is not in deno.lock once`);
  }
  return key;
}
