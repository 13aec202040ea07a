import assert from "node:assert/strict";
import { createAuthority } from "../../src/credentials/mod.ts";
import { selvage, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";
import { issue } from "./pki.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("permissions prints what is enough to run a worker and a call", async () => {
  const pki = await issue();
  const serve = [MODULE, ...pki.flags("worker"), "--allow", "*", "--listen", "127.0.0.1:0"];
  const least = await selvage(["permissions", "worker", ...serve]);
  assert.equal(least.code, 0, least.err);
  assert.doesNotMatch(least.out, /allow-all|-A/);
  // Folders, not every file of the package.
  assert.ok(least.out.split(",").length < 10, least.out);
  await using worker = await startWorker(serve, { permissions: least.out.trim().split(" ") });
  const call = [
    "cli.square",
    "[7]",
    "--endpoint",
    worker.address,
    ...pki.flags("client"),
    "--identity",
    "spiffe://x/worker",
  ];
  const callLeast = await inProcess(["permissions", "call", ...call]);
  const permissions = callLeast.out.trim().split(" ");
  const called = await selvage(["call", ...call], { permissions });
  assert.equal(called.out, "49\n", called.err);
});

Deno.test("permissions prints what is enough to listen on a name", async () => {
  const serve = [MODULE, "--listen", "localhost:0"];
  const least = await inProcess(["permissions", "worker", ...serve]);
  await using worker = await startWorker(serve, { permissions: least.out.trim().split(" ") });
  assert.match(worker.address, /^localhost:\d+$/);
});

Deno.test("permissions prints what is enough to announce a worker at local:, and to find it there", async () => {
  const env = { XDG_RUNTIME_DIR: await Deno.makeTempDir() };
  const least = async (...args: string[]) => {
    const { out, err } = await selvage(["permissions", ...args], { env });
    assert.equal(err, "");
    return { env, permissions: out.trim().split(" ") };
  };
  const serve = [MODULE, "--listen", "127.0.0.1:0", "--publish", "local:least"];
  await using worker = await startWorker(serve, await least("worker", ...serve));
  const call = ["call", "cli.square", "[7]", "--discover", "local:least", "--lease", "1"];
  const called = await selvage(call, await least(...call));
  assert.equal(called.out, "49\n", called.err);
  assert.equal(worker.ready["event"], "worker.ready");
});

Deno.test("permissions covers the files and variables by which a discovery reaches its registry", async () => {
  const folder = await Deno.makeTempDir();
  const ca = `${folder}/ca.pem`;
  await Deno.writeTextFile(ca, createAuthority().certPem);
  const urls = [
    `file:${folder}/workers.json`,
    `etcd:https://127.0.0.1:1/x/?ca=${ca}`,
    `k8s:a/b?api=127.0.0.1:1&ca=${ca}&token=${ca}`,
    "k8s:a/b",
    "dns+srv:x.invalid?ns=127.0.0.1:1",
    "dns+srv:x.invalid",
  ];
  await Promise.all(urls.map(async (url) => {
    const call = ["workers", "--discover", url, "--timeout", "1s"];
    const { out } = await inProcess(["permissions", ...call]);
    const permissions = ["--no-prompt", ...out.trim().split(" ")];
    const { err } = await selvage(call, { permissions });
    assert.doesNotMatch(err, /Requires|NotCapable|allow-/, `${url}: ${out}`);
    assert.notEqual(err, "", url);
  }));
});

Deno.test("permissions covers every address that a command names, and refuses half a command", async () => {
  const net = async (...args: string[]) => {
    const { out, err } = await inProcess(["permissions", ...args]);
    assert.match(out, /--allow-net/, err);
    return out.split(" ").find((flag) => flag.startsWith("--allow-net"))!.trim();
  };
  assert.equal(
    await net("call", "a.b", "--endpoint", "10.0.0.1:1", "--endpoint", "10.0.0.2:2"),
    "--allow-net=10.0.0.1:1,10.0.0.2:2",
  );
  assert.equal(await net("doctor", "--endpoint", "10.0.0.1:1"), "--allow-net=10.0.0.1:1");
  assert.equal(
    await net("workers", "--discover", "static:10.0.0.1:1,10.0.0.2:2"),
    "--allow-net=10.0.0.1:1,10.0.0.2:2",
  );
  assert.equal(await net("workers", "--discover", "dns:a.internal:1"), "--allow-net");
  assert.equal((await inProcess(["permissions", "certs"])).code, 2);
  assert.equal((await inProcess(["permissions", "worker"])).code, 2);
});
