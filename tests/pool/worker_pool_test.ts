import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { routine } from "../../src/contract/mod.ts";
import {
  createAuthority,
  Credentials,
  type Credentials as CredentialsValue,
  type IssuedCertificate,
} from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { ConfigurationError, HandshakeError, RoutineError } from "../../src/errors/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { installed } from "../support/program.ts";
import { TestProcess } from "../support/test_process.ts";
import { all, rejection } from "./pool_events.ts";
import {
  add,
  caller,
  count,
  elsewhere,
  fail,
  further,
  granted,
  print,
  processId,
  read,
  siblings,
  sums,
  wait,
} from "./routines.ts";
import { square } from "./thread_routines.ts";

const modules = [new URL("./routines.ts", import.meta.url)];

Deno.test("WorkerPool with one worker", async (t) => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });

  await t.step("calls routines of every kind in another process", async () => {
    assert.equal(await pool.call(add, [1, 2]), 3);
    assert.deepEqual(await Array.fromAsync(pool.stream(count, [3])), [1, 2, 3]);
    assert.deepEqual(await Array.fromAsync(pool.duplex(sums, [1, 2, 3], [])), [1, 3, 6]);
    assert.equal(await pool.client({ add }).add(20, 22), 42);
    assert.notEqual(await pool.call(processId, []), Deno.pid);
  });

  await t.step("lets routines call each other through their call's dispatcher", async () => {
    assert.deepEqual(await pool.call(further, []), { childOfThis: true, sameProcess: true });
  });

  await t.step("allows its worker nothing but a loopback port", async () => {
    assert.deepEqual(await pool.call(granted, []), []);
  });

  await t.step("hands keys over in memory: not in arguments, nor in the environment", async () => {
    const process = await pool.call(processId, []);
    const shown = ["cmdline", "environ"].map((name) =>
      Deno.readTextFileSync(`/proc/${process}/${name}`)
    );
    assert.doesNotMatch(shown.join(), /PRIVATE|BEGIN/);
    const names = shown[1]!.split("\0").map((entry) => entry.split("=")[0]);
    assert.deepEqual(names.filter((name) => name !== "" && name !== "DENO_DIR"), []);
  });

  await t.step("reports where in its worker a routine threw", async () => {
    const error = await rejection(pool.call(fail, []));
    assert.ok(error instanceof RoutineError);
    assert.equal(error.remoteName, "RangeError");
    assert.match(error.remoteStack ?? "", /tests\/pool\/routines\.ts/);
  });

  await t.step("has its worker leave a terminal's Ctrl-C to its parent", async () => {
    const process = await pool.call(processId, []);
    Deno.kill(process, "SIGINT");
    assert.equal(await pool.call(processId, []), process);
  });

  await t.step("keeps what a routine prints out of what its worker reports", async () => {
    await pool.call(print, ['{"event":"worker.failed","name":"Error","message":"not me"}']);
    for (
      const emitted of [
        "null",
        "7",
        "{}",
        '{"type":"no such event"}',
        '{"type":"handshake.failed"}',
      ]
    ) {
      await pool.call(print, [`{"event":"worker.emitted","emitted":${emitted}}`]);
    }
    assert.equal(await pool.call(add, [1, 2]), 3);
  });
});

Deno.test("WorkerPool runs routines in threads of its workers, and allows no more for it than their code", async () => {
  const threaded = [...modules, new URL("./thread_routines.ts", import.meta.url)];
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules: threaded } });
  assert.equal(await pool.call(square, [7]), 49);
  assert.deepEqual(await pool.call(granted, []), []);
});

Deno.test("WorkerPool's routines call every worker of the pool where it says so, each as who it is", async () => {
  await using pool = await WorkerPool.open({
    spawn: { count: 2, modules, threads: 0, siblings: true },
  });
  const everyProcess = async (wanted: number) => {
    const processes = new Set<number>();
    while (processes.size < wanted) {
      const { own, answers } = await pool.call(siblings, [8]);
      for (const { by, process } of answers) {
        assert.match(by, /^spiffe:\/\/[^/]+\.pool\.selvage\/worker\/[^/]+$/);
        // Who calls is the worker that the calling routine runs on, wherever it calls.
        assert.equal(by, answers[0]!.by);
        processes.add(process);
      }
      assert.ok(answers.length === 8 && own > 0);
    }
    return processes;
  };
  await pool.ready({ min: 2 });
  const [first] = await everyProcess(2);
  // One that is replaced is found by the others, and new certificates are used among them.
  await pool.renewCredentials();
  Deno.kill(first!, "SIGKILL");
  await pool.ready({ min: 2 });
  await pool.resize(3);
  await pool.ready({ min: 3 });
  const now = await everyProcess(3);
  assert.ok(!now.has(first!));
  assert.ok((await pool.call(granted, [])).join().includes("127.0.0.1"));
});

Deno.test("WorkerPool hands the operator's credentials to its workers, and every later version", async () => {
  const operator = createAuthority();
  const issue = (name: string) => operator.issue({ name, spiffe: `spiffe://op/${name}` });
  await using remote = await WorkerServer.start({
    routines: [routine("remote.caller", () => currentCall().peer.identity ?? "")],
    credentials: credentialsOf(issue("worker")),
    allow: "spiffe://op/*",
  });
  const files = await Deno.makeTempDir();
  const write = async (issued: IssuedCertificate) => {
    await Deno.writeTextFile(join(files, "ca.pem"), issued.caPem);
    await Deno.writeTextFile(join(files, "key.pem"), issued.keyPem);
    await Deno.writeTextFile(join(files, "cert.pem"), issued.certPem);
  };
  await write(issue("first"));
  await using pool = await WorkerPool.open({
    spawn: {
      count: 1,
      modules,
      threads: 0,
      dispatcher: {
        discovery: `static:${remote.address}`,
        credentials: Credentials.watchFiles({
          ca: join(files, "ca.pem"),
          cert: join(files, "cert.pem"),
          key: join(files, "key.pem"),
        }),
        identity: "spiffe://op/worker",
      },
    },
  });
  const before = await pool.call(elsewhere, []);
  assert.equal(before.seenAs, "spiffe://op/first");
  await write(issue("second"));
  let after = before;
  while (after.seenAs === before.seenAs) after = await pool.call(elsewhere, []);
  assert.deepEqual(after, { seenAs: "spiffe://op/second", process: before.process });
});

Deno.test("WorkerPool and its workers know each other by name, and nobody else", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 2, modules, threads: 0 } });
  await pool.ready({ min: 2 });
  const identities = pool.workers().map(({ identity }) => identity);
  assert.equal(new Set(identities).size, 2);
  for (const { id, identity } of pool.workers()) {
    assert.equal(identity, `spiffe://${pool.id}.pool.selvage/worker/${id}`);
  }
  assert.equal(await pool.call(caller, []), `spiffe://${pool.id}.pool.selvage/pool`);

  const stranger = createAuthority();
  const spiffe = `spiffe://${pool.id}.pool.selvage/pool`;
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${pool.workers()[0]!.address}`,
    credentials: credentialsOf(stranger.issue({ name: "pool", spiffe })),
    identity: "*",
  });
  const error = await rejection(dispatcher.call(add, [1, 2]));
  assert.ok(error instanceof HandshakeError, String(error));
  assert.equal(error.reason, "untrusted-authority");
});

Deno.test("WorkerPool allows its workers what its options say", async () => {
  await using pool = await WorkerPool.open({
    spawn: { count: 1, modules, threads: 0, permissions: ["--allow-read=/etc/passwd"] },
  });
  assert.deepEqual(await pool.call(granted, []), ['{"name":"read","path":"/etc/passwd"}']);
  assert.match(await pool.call(read, ["/etc/passwd"]), /root/);
  // What reaches beyond is the routine's own failure, and its worker serves on.
  await assert.rejects(pool.call(read, ["/etc/hosts"]), (error) => {
    assert.ok(error instanceof RoutineError, String(error));
    assert.equal(error.remoteName, "NotCapable");
    assert.match(error.message, /read access to "\/etc\/hosts"/);
    return true;
  });
  assert.equal(await pool.call(add, [1, 2]), 3);
});

Deno.test("WorkerPool calls spawned and discovered workers, each under its own trust only", async () => {
  const operator = createAuthority();
  const issue = (name: string) => operator.issue({ name, spiffe: `spiffe://op/${name}` });
  await using remote = await WorkerServer.start({
    routines: [routine("pool.process-id", () => 0)],
    credentials: credentialsOf(issue("worker")),
    allow: "spiffe://op/pool",
  });
  const open = (identity: string) =>
    WorkerPool.open({
      spawn: { count: 1, modules, threads: 0 },
      discovery: `static:${remote.address}`,
      credentials: credentialsOf(issue("pool")),
      identity,
    });
  await using both = await open("spiffe://op/worker");
  await both.ready({ min: 2 });
  const answered = new Set<number>();
  while (answered.size < 2) answered.add(await both.call(processId, []));
  assert.ok(answered.has(0), "the discovered worker is called too");

  await using mistaken = await open("spiffe://op/other");
  await mistaken.ready({ min: 1 });
  for (let n = 0; n < 8; n++) assert.notEqual(await mistaken.call(processId, []), 0);
});

Deno.test("WorkerPool gives everyone new credentials under load, and no call fails", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 2, modules, threads: 0 } });
  await pool.ready({ min: 2 });
  const before = new Set<number>();
  while (before.size < 2) before.add(await pool.call(processId, []));
  const rotations = all(pool, "credentials.rotated", 3);
  let calling = true;
  const callers = Array.from({ length: 8 }, async () => {
    while (calling) assert.ok(before.has(await pool.call(processId, [])));
  });
  const long = pool.call(wait, [500]);
  await pool.renewCredentials();
  assert.equal(new Set((await rotations).map(({ origin }) => origin)).size, 3);
  assert.ok(before.has(await long));
  calling = false;
  await Promise.all(callers);
});

Deno.test("WorkerPool.open({}) serves the routines of the program's own module, by one worker a core", async () => {
  const program = fileURLToPath(new URL("./whole_program.ts", import.meta.url));
  // On one core, where that can be said: a large machine would start many workers.
  const taskset = installed("taskset");
  const [path, args] = taskset === undefined
    ? [Deno.execPath(), []]
    : [taskset, ["-c", firstCore(), Deno.execPath()]];
  const printed: string[] = [];
  await using process = new TestProcess(path, {
    args: [...args, "run", "-A", "--no-check", program],
    onLine: (line) => printed.push(line),
  });
  assert.equal((await process.ended).code, 0);
  const { answer, elsewhere, workers, cores } = JSON.parse(printed.join());
  assert.deepEqual([answer, elsewhere], [49, true]);
  assert.equal(workers, cores);
});

/** The number of a core that this process may use. */
function firstCore(): string {
  const status = Deno.readTextFileSync("/proc/self/status");
  return /^Cpus_allowed_list:\s*(\d+)/m.exec(status)?.[1] ?? "0";
}

Deno.test("WorkerPool.open() says which module its workers cannot load", async () => {
  const missing = [new URL("./no_such_module.ts", import.meta.url)];
  const error = await rejection(WorkerPool.open({ spawn: { count: 1, modules: missing } }));
  assert.ok(error instanceof ConfigurationError, String(error));
  assert.match(error.message, /no_such_module/);
});

Deno.test("WorkerPool.open() is refused in the modules that a pool's worker loads", async () => {
  const looping = [new URL("./opens_pool_while_loading.ts", import.meta.url)];
  const error = await rejection(WorkerPool.open({ spawn: { count: 1, modules: looping } }));
  assert.ok(error instanceof ConfigurationError, String(error));
  assert.match(error.message, /import\.meta\.main/);
});

Deno.test("WorkerPool.open() refuses options that cannot be meant", async () => {
  const refused = async (options: Parameters<typeof WorkerPool.open>[0], setting: string) => {
    const error = await rejection(WorkerPool.open(options));
    assert.ok(error instanceof ConfigurationError, String(error));
    assert.equal(error.setting, setting);
  };
  await refused({ spawn: { modules: [] } }, "spawn.modules");
  await refused({ spawn: { modules, count: 0 } }, "spawn.count");
  await refused({ spawn: { modules, permissions: ["-A", "x"] } }, "spawn.permissions");
  await refused({ spawn: { modules }, identity: "*" }, "identity");
  const both = { siblings: true, dispatcher: { discovery: "static:127.0.0.1:1" } };
  await refused({ spawn: { modules, ...both } }, "spawn.siblings");
});

function credentialsOf({ caPem, certPem, keyPem }: IssuedCertificate): CredentialsValue {
  return Credentials.fromPem({ ca: caPem, cert: certPem, key: keyPem });
}
