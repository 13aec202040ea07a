import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import { residentMiB } from "../../scripts/bench/measures/connections.ts";
import { createAuthority } from "../../src/credentials/mod.ts";
import { selvage } from "../cli/command.ts";
import { Journal } from "../support/journal.ts";
import type { TestProcess } from "../support/test_process.ts";
import { walk } from "../support/walk.ts";
import { builtImage, type Image } from "./image.ts";
import { sortedPermissions } from "./permissions.ts";
import { untilReady } from "./until_ready.ts";

const LOCK = new URL("../../deploy/container/deno.lock", import.meta.url);

Deno.test("every step of the Containerfile runs, and the image holds a bundle, its maps and nothing that it is made of", async () => {
  const image = await builtImage();
  const names = await filesIn(image.path("/app/"));
  assert.deepEqual(names.filter((name) => !/^[^/]+\.js(?:\.map)?$/.test(name)), [
    "thread_entry.ts",
  ]);
  const code = names.filter((name) => name.endsWith(".js"));
  for (const name of ["selvage", "routines", "caller", "thread_entry"]) {
    assert.ok(code.includes(`${name}.js`), name);
  }
  for (const name of code) {
    assert.ok(names.includes(`${name}.map`), name);
    assert.doesNotMatch(await Deno.readTextFile(image.path(`/app/${name}`)), /sourceMappingURL/);
    const map = JSON.parse(await Deno.readTextFile(image.path(`/app/${name}.map`)));
    assert.equal(map.sourcesContent, undefined);
  }
  const cached = await filesIn(image.path("/deno-dir/"));
  assert.deepEqual(cached.filter((name) => /^(?:npm|dl|remote)\//.test(name)), []);
});

Deno.test("Deno bundles with the package that the lock file names, and fetches no other", async () => {
  const image = await builtImage();
  const folder = image.path("/deno-dir/", "build");
  const files = await filesIn(folder);
  const { specifiers } = JSON.parse(await Deno.readTextFile(LOCK));
  const [[, version]] = Object.entries<string>(specifiers)
    .filter(([name]) => name.startsWith("npm:esbuild@")) as [[string, string]];
  const locked = files.filter((name) => /\/@esbuild\/[^/]+\/[^/]+\/bin\/esbuild$/.test(name));
  assert.equal(locked.length, 1);
  assert.equal(locked[0]!.split("/").at(-3), version);
  const used = files.filter((name) => name.startsWith("dl/"));
  assert.equal(used.length, 1);
  const [one, other] = await Promise.all(
    [...locked, ...used].map((name) => Deno.readFile(`${folder}${name}`)),
  );
  assert.ok(Buffer.compare(one!, other!) === 0);
});

Deno.test("the image has the permissions that its own command prints", async () => {
  const image = await builtImage();
  const at = image.command.indexOf("worker");
  const command = ["deno", "run", "-A", "--no-config", "--cached-only", image.command[at - 1]!];
  const lines: string[] = [];
  await using printing = image.start(
    [...command, "permissions", ...image.command.slice(at)],
    { onLine: (line) => lines.push(line) },
  );
  assert.equal((await printing.ended).code, 0);
  const granted = image.command.filter((word) => word.startsWith("--allow-"));
  assert.deepEqual(
    sortedPermissions(granted.map((word) => image.placed(word))),
    sortedPermissions(lines[0]!.split(/\s+(?=--)/)),
  );
});

Deno.test("the image's worker answers calls and probes as its user, fetches nothing, and drains", async () => {
  const image = await builtImage();
  const client = await mount(image);
  await using worker = await started(image);
  assert.equal(worker.ready.security, "mutual-tls");
  const { code, out, err } = await selvage([
    ...["call", "math.add", "[1, 2]", "--endpoint", worker.ready.address],
    ...["--ca", `${client}/ca.crt`, "--cert", `${client}/tls.crt`, "--key", `${client}/tls.key`],
    ...["--identity", "spiffe://example.org/worker"],
  ]);
  assert.deepEqual([code, out.trim()], [0, "3"], err);
  const shown = /health is shown in plaintext at ([\d.:]+)/;
  const [, health] = shown.exec(await worker.log.until((line) => shown.test(line)))!;
  const get = async (path: string) => await (await fetch(`http://${health}${path}`)).text();
  assert.equal(await get("/readyz"), "ok\n");
  assert.match(await get("/metrics"), /^selvage_calls_total\{.*routine="math.add".*\} 1$/m);
  worker.process.kill("SIGTERM");
  assert.equal((await worker.process.ended).code, 0);
});

Deno.test({
  name:
    "the image's worker takes at most 0.8 of the memory that it takes where Deno's cache cannot be read",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const image = await builtImage();
    await mount(image);
    await using worker = await started(image);
    await using uncached = await started(image, { DENO_DIR: image.path("/nowhere") });
    const share = await residentMiB(worker.process.pid) / await residentMiB(uncached.process.pid);
    assert.ok(share < 0.8, `${share}`);
  },
});

interface StartedWorker extends AsyncDisposable {
  readonly process: TestProcess;
  readonly ready: { readonly address: string; readonly security: string };
  readonly log: Journal<string>;
}

/** Starts what `ENTRYPOINT` and `CMD` say. */
async function started(image: Image, env = {}): Promise<StartedWorker> {
  const lines = new Journal<string>();
  const log = new Journal<string>();
  const process = image.start(image.command, {
    env,
    onLine: (line) => lines.add(line),
    onErrorLine: (line) => log.add(line),
  });
  const ready = await untilReady(process, lines, log);
  return {
    process,
    ready: JSON.parse(ready),
    log,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

async function filesIn(folder: string): Promise<readonly string[]> {
  return await Array.fromAsync(walk(new URL(`file://${folder}`)));
}

/** Writes what is mounted into it, readable by its user alone, and files of a client. @returns Where the latter are. */
async function mount(image: Image): Promise<string> {
  const authority = createAuthority();
  const client = image.path("/client");
  for (
    const [name, folder] of [
      ["worker", image.path("/run/selvage/tls")],
      ["client/dispatcher", client],
    ] as const
  ) {
    const issued = authority.issue({ name: "any", spiffe: `spiffe://example.org/${name}` });
    await write(image, `${folder}/tls.crt`, issued.certPem);
    await write(image, `${folder}/tls.key`, issued.keyPem);
    await write(image, `${folder}/ca.crt`, authority.certPem);
  }
  await write(image, image.path("/run/selvage/trust/ca.crt"), authority.certPem);
  return client;
}

async function write({ user }: Image, path: string, text: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, text, { mode: 0o600 });
  if (user !== undefined) await Deno.chown(path, user, user);
}
