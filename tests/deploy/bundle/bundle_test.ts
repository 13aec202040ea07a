import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createAuthority, Credentials } from "../../../src/credentials/mod.ts";
import { Dispatcher } from "../../../src/dispatch/mod.ts";
import { HandshakeError } from "../../../src/errors/mod.ts";
import { residentMiB } from "../../../scripts/bench/measures/connections.ts";
import { TestProcess } from "../../support/test_process.ts";
import { cube, square } from "./routines.ts";

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
  const { code, stderr } = await command(`${folder}/refused`, ROUTINES, `${folder}/routines.ts`);
  assert.equal(code, 2);
  assert.match(stderr, /^two modules are named routines; rename one of them\n$/);
});

async function bundle(folder: string, ...modules: string[]): Promise<string> {
  const { code, stderr } = await command(folder, ...modules);
  assert.equal(code, 0, stderr);
  return folder;
}

async function command(...args: string[]): Promise<{ code: number; stderr: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "bundle", ...args],
    env: { NO_COLOR: "1" },
    cwd: ROOT,
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

interface StartedWorker extends AsyncDisposable {
  readonly pid: number;
  readonly address: string;
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
  const { process, line } = await TestProcess.ready(
    Deno.execPath(),
    (line) => line.includes('"event":"worker.ready"'),
    {
      args: [
        ...["run", "--no-prompt", "--cached-only", "--allow-env=SELVAGE_*", ...flags, ...program],
        ...["--listen", "127.0.0.1:0", ...own, "--key", `${folder}/tls.key`],
        ...["--allow", "spiffe://example.org/*", "--allow", "one.example.org"],
        ...["--allow", "one.co.uk"],
      ],
      cwd: folder,
    },
  );
  return {
    pid: process.pid,
    address: JSON.parse(line).address,
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
