import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createAuthority, Credentials } from "../../../src/credentials/mod.ts";
import { Dispatcher } from "../../../src/dispatch/mod.ts";
import { HandshakeError } from "../../../src/errors/mod.ts";
import { residentMiB } from "../../../scripts/bench/measures/connections.ts";
import { Journal } from "../../support/journal.ts";
import { TestProcess } from "../../support/test_process.ts";
import { block, cube, root, square } from "./routines.ts";
import { untilReady } from "../until_ready.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const ROUTINES = fileURLToPath(new URL("./routines.ts", import.meta.url));
const WORKER = "spiffe://example.org/worker";
const folder = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const authority = createAuthority();
const bundled = await bundle(`${folder}/bundle`, ROUTINES);
await writeCredentials();

Deno.test("a bundled worker serves routines, in threads too, with the permissions of one folder", async () => {
  await using worker = await bundledWorker();
  await using dispatcher = await opened(worker.address, { spiffe: "spiffe://example.org/caller" });
  assert.equal(await dispatcher.call(square, [7]), 49);
  assert.equal(await dispatcher.call(cube, [3]), 27);
});

Deno.test("a bundle that is written again leaves no chunk of the one before, and what is not its own", async () => {
  const again = `${folder}/again`;
  await Deno.mkdir(again);
  for (const name of ["chunk-AAAAAAAA.js", "chunk-AAAAAAAA.js.map", "mine-BBBBBBBB.js"]) {
    await Deno.writeTextFile(`${again}/${name}`, "");
  }
  await bundle(again, ROUTINES);
  const [first, second] = await Promise.all(
    [bundled, again].map(async (of) =>
      (await Array.fromAsync(Deno.readDir(of))).map(({ name }) => name).sort()
    ),
  );
  assert.deepEqual(second, [...first!, "mine-BBBBBBBB.js"].sort());
});

Deno.test("a bundled worker asks the list of public suffixes about a wildcard", async () => {
  await using worker = await bundledWorker();
  await using ours = await opened(worker.address, { dns: ["*.example.org"] });
  assert.equal(await ours.call(square, [7]), 49);
  await using everybodys = await opened(worker.address, { dns: ["*.co.uk"] });
  await assert.rejects(
    everybodys.call(square, [7], { timeoutMs: 5_000 }),
    (error) => error instanceof HandshakeError && error.peerReason === "subject-not-allowed",
  );
});

Deno.test("a bundled worker's watchdog, which is loaded from its own text, names the routine that blocks it", async () => {
  await using worker = await bundledWorker();
  await using dispatcher = await opened(worker.address, { spiffe: "spiffe://example.org/caller" });
  const logged = worker.log.until((line) => line.includes('"type":"worker.blocked"'));
  let over = false;
  logged.then(() => over = true);
  // The thread may not have its turn in one block on a busy machine.
  while (!over) await dispatcher.call(block, [1_300]);
  assert.equal(JSON.parse(await logged).properties.routine, "bundled.block");
});

Deno.test("a stack of a bundle has the names of the sources, and `deno task stack` gives their lines", async () => {
  await using worker = await bundledWorker();
  await using dispatcher = await opened(worker.address, { spiffe: "spiffe://example.org/caller" });
  await assert.rejects(dispatcher.call(root, [-1]), /-1 is negative/);
  const line = await worker.log.until((line) => line.includes('"type":"call.failed"'));
  const { stack } = JSON.parse(line).properties;
  assert.match(stack, /^ +at positive \(file:.*\n +at Roots\.square \(file:/m);
  const { stdout } = await projectTask(["stack", bundled], `${line}\n`);
  const [above, below] = JSON.parse(stdout).properties.stack.split("\n").slice(1);
  const text = (await Deno.readTextFile(ROUTINES)).split("\n");
  for (
    const [place, found] of [[above, "new RangeError("], [below, "positive(this.#of)"]]
  ) {
    const [, row, column] = /\/bundle\/routines\.ts:(\d+):(\d+)\)$/.exec(place)!;
    const at = text[Number(row) - 1]!.slice(Number(column) - 1);
    assert.ok(at.startsWith(found!), `${place}: ${at}`);
  }
});

Deno.test("`deno task stack` says so where a folder has no maps", async () => {
  for (
    const wrong of [`${folder}/nowhere`, ROUTINES, fileURLToPath(new URL(".", import.meta.url))]
  ) {
    const { code, stderr } = await projectTask(["stack", wrong], "a line\n");
    assert.equal(code, 2);
    assert.equal(stderr, `${wrong} is no folder with the maps of a bundle (*.js.map)`);
  }
});

Deno.test("a bundled command prints that a worker may read the bundle's folder, and no other", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-config", `${bundled}/selvage.js`, "permissions", "worker"],
      ...[`${bundled}/routines.js`, "--listen", "127.0.0.1:0"],
    ],
    cwd: folder,
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).trim().split(/\s+(?=--)/), [
    "--allow-env=SELVAGE_*",
    "--allow-net=127.0.0.1:0",
    `--allow-read=${bundled}`,
  ]);
});

Deno.test({
  name: "a bundled worker takes at most 0.85 of the memory of one from its sources",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    // The first start is larger: it makes the code that V8 caches.
    await (await bundledWorker())[Symbol.asyncDispose]();
    await using worker = await bundledWorker();
    await using plain = await started([`${ROOT}src/cli/main.ts`, "worker", ROUTINES], [
      "--allow-read",
      "--allow-net",
    ]);
    const share = await residentMiB(worker.pid) / await residentMiB(plain.pid);
    assert.ok(share < 0.85, `${share}`);
  },
});

Deno.test("a bundled worker does without the code of the other commands", async () => {
  const less = `${folder}/less`;
  await Deno.mkdir(less);
  const files = (await Array.fromAsync(Deno.readDir(bundled))).map(({ name }) => name);
  const others = files.filter((name) => /^commands-.*\.js$/.test(name));
  assert.equal(others.length, 1);
  for (const name of files) {
    if (name !== others[0]) await Deno.copyFile(`${bundled}/${name}`, `${less}/${name}`);
  }
  await using worker = await bundledWorker(less);
  assert.match(worker.address, /^127\.0\.0\.1:/);
});

Deno.test("two modules of one name are refused in a sentence", async () => {
  const { code, stderr } = await projectTask([
    "bundle",
    `${folder}/refused`,
    ROUTINES,
    `${folder}/routines.ts`,
  ]);
  assert.equal(code, 2);
  assert.match(stderr, /^two modules are named routines; rename one of them$/);
});

Deno.test("a package that the lock file does not name is not bundled", async () => {
  const module = `${folder}/unlocked.ts`;
  await Deno.writeTextFile(module, 'export * from "npm:dns-packet@5";\n');
  const { code, stderr } = await projectTask(["bundle", `${folder}/unlocked`, module]);
  assert.equal(code, 2);
  assert.match(stderr, /lockfile is out of date/);
  assert.match(
    stderr,
    /^nothing is bundled, .*; packages are those of .*deno\.json \(deno add\)$/m,
  );
  await assert.rejects(Deno.stat(`${folder}/unlocked`), Deno.errors.NotFound);
});

async function bundle(folder: string, ...modules: string[]): Promise<string> {
  const { code, stderr } = await projectTask(["bundle", folder, ...modules]);
  assert.equal(code, 0, stderr);
  return folder;
}

async function projectTask(
  words: readonly string[],
  input = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const lines: string[] = [];
  const errors: string[] = [];
  await using process = new TestProcess(Deno.execPath(), {
    args: ["task", "--quiet", ...words],
    cwd: ROOT,
    input: true,
    onLine: (line) => lines.push(line),
    onErrorLine: (line) => errors.push(line),
  });
  await process.writeText(input);
  await process.closeInput();
  const { code } = await process.ended;
  return { code, stdout: lines.join("\n"), stderr: errors.join("\n") };
}

interface StartedWorker extends AsyncDisposable {
  readonly pid: number;
  readonly address: string;
  /** What it has logged. */
  readonly log: Journal<string>;
}

/** No configuration is there, nothing is fetched, and the bundle and the credentials are all that it may read. */
function bundledWorker(code = bundled): Promise<StartedWorker> {
  const flags = ["--no-config", `--allow-read=${code},${folder}`, "--allow-net=127.0.0.1:0"];
  return started([`${code}/selvage.js`, "worker", `${code}/routines.js`], flags);
}

async function started(
  program: readonly string[],
  flags: readonly string[],
): Promise<StartedWorker> {
  const own = ["--ca", `${folder}/ca.crt`, "--cert", `${folder}/tls.crt`];
  const lines = new Journal<string>();
  const log = new Journal<string>();
  const process = new TestProcess(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--cached-only", "--allow-env=SELVAGE_*", ...flags, ...program],
      ...["--listen", "127.0.0.1:0", ...own, "--key", `${folder}/tls.key`],
      ...["--allow", "spiffe://example.org/*", "--allow", "one.example.org"],
      ...["--allow", "one.co.uk"],
    ],
    cwd: folder,
    onLine: (line) => lines.add(line),
    onErrorLine: (line) => log.add(line),
  });
  const ready = await untilReady(process, lines, log);
  return {
    pid: process.pid,
    address: JSON.parse(ready).address,
    log,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

function opened(
  address: string,
  name: { readonly spiffe: string } | { readonly dns: readonly string[] },
): Promise<Dispatcher> {
  const { certPem: cert, keyPem: key } = authority.issue({ name: "caller", ...name });
  return Dispatcher.open({
    discovery: `static:${address}`,
    identity: WORKER,
    credentials: Credentials.fromPem({ ca: authority.certPem, cert, key }),
  });
}

async function writeCredentials(): Promise<void> {
  const { certPem, keyPem } = authority.issue({ name: "worker", spiffe: WORKER });
  await Deno.writeTextFile(`${folder}/ca.crt`, authority.certPem);
  await Deno.writeTextFile(`${folder}/tls.crt`, certPem);
  await Deno.writeTextFile(`${folder}/tls.key`, keyPem, { mode: 0o600 });
}
