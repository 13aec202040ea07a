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
import {
  ConfigurationError,
  HandshakeError,
  RoutineError,
  WorkerUnavailable,
} from "../../src/errors/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { endingWithParent } from "../../src/pool/parent_death_signal.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { lines } from "../support/lines.ts";
import { installed } from "../support/program.ts";
import { TestProcess } from "../support/test_process.ts";
import { gone, isRunning } from "./processes.ts";
import {
  add,
  caller,
  count,
  elsewhere,
  exit,
  fail,
  further,
  granted,
  hang,
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

Deno.test("WorkerPool starts another worker when one is killed", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });
  const first = await pool.call(processId, []);
  const restarted = next(pool, "worker.restarted");
  Deno.kill(first, "SIGKILL");
  const { workerId, previousId } = await restarted;
  assert.notEqual(workerId, previousId);
  const second = await pool.call(processId, []);
  assert.notEqual(second, first);
});

Deno.test("WorkerPool lets a call wait for the worker that is being restarted", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });
  const first = await pool.call(processId, []);
  const removed = next(pool, "discovery.removed");
  Deno.kill(first, "SIGKILL");
  await removed;
  const during = await Promise.all([pool.call(processId, []), pool.call(add, [1, 2])]);
  assert.notEqual(during[0], first);
  assert.equal(during[1], 3);
});

Deno.test("WorkerPool replaces a worker whose event loop hangs, and names the call that it held", async () => {
  await using pool = await WorkerPool.open({
    spawn: {
      count: 2,
      modules,
      threads: 0,
      // Long enough for the other worker to answer on a busy machine.
      livenessTimeoutMs: 6_000,
      limits: { blockedAfterMs: 100 },
    },
  });
  await pool.ready({ min: 2 });
  const processes = new Set<number>();
  while (processes.size < 2) processes.add(await pool.call(processId, []));
  // On a busy machine an event loop may also stand still at a short call.
  const blocked = next(pool, "worker.blocked", ({ routine }) => routine === "pool.hang");
  const unresponsive = next(pool, "worker.unresponsive");
  const removed = next(pool, "discovery.removed");
  const restarted = next(pool, "worker.restarted");
  const lost = rejection(pool.call(hang, []));
  const { workerId: blockedId } = await blocked;
  const { workerId, calls } = await unresponsive;
  assert.equal(blockedId, workerId);
  assert.deepEqual(calls.map(({ routine }) => routine), ["pool.hang"]);
  await removed;
  const others = await Promise.all(Array.from({ length: 8 }, () => pool.call(processId, [])));
  assert.equal(new Set(others).size, 1, "the other one takes every call");
  assert.ok(processes.has(others[0]!));
  assert.ok(await lost instanceof WorkerUnavailable);
  const again = await restarted;
  assert.equal(again.previousId, workerId);
  assert.deepEqual(again.calls, calls);
  await pool.ready({ min: 2 });
});

Deno.test("WorkerPool grows and shrinks under load, and no call fails", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 1, modules, threads: 0 } });
  const processes = new Set<number>();
  let calling = true;
  const callers = Array.from({ length: 8 }, async () => {
    while (calling) processes.add(await pool.call(wait, [1]));
  });
  await pool.resize(2);
  while (processes.size < 2) await pool.call(processId, []);
  await pool.resize(1);
  assert.equal([...processes].filter(isRunning).length, 1);
  calling = false;
  await Promise.all(callers);
  await assert.rejects(pool.resize(0), ConfigurationError);
});

Deno.test("WorkerPool reports a call whose worker ends, and never runs it twice", async () => {
  await using pool = await WorkerPool.open({ spawn: { count: 2, modules, threads: 0 } });
  await pool.ready({ min: 2 });
  const crashed = next(pool, "worker.crashed");
  const error = await rejection(pool.call(exit, [7]));
  assert.ok(error instanceof WorkerUnavailable, String(error));
  assert.equal(error.notBegun, false);
  assert.equal((await crashed).exitCode, 7);
  assert.equal(await pool.call(add, [1, 2]), 3);
});

Deno.test("WorkerPool leaves no process when it is disposed of, and lets calls finish", async () => {
  const pool = await WorkerPool.open({ spawn: { count: 2, modules, threads: 0 } });
  await pool.ready({ min: 2 });
  const slow = pool.call(wait, [300]);
  const processes = new Set<number>();
  while (processes.size < 2) processes.add(await pool.call(processId, []));
  await pool[Symbol.asyncDispose]();
  assert.ok(processes.has(await slow));
  assert.deepEqual([...processes].filter(isRunning), []);
});

Deno.test("WorkerPool cuts calls off when its grace is over", async () => {
  const pool = await WorkerPool.open({
    spawn: { count: 1, modules, threads: 0, drainGraceMs: 50 },
  });
  const process = await pool.call(processId, []);
  const cut = rejection(pool.call(wait, [600_000]));
  await pool[Symbol.asyncDispose]();
  assert.ok(await cut instanceof Error);
  assert.equal(isRunning(process), false);
});

Deno.test("WorkerPool's workers are gone when their parent is killed", async () => {
  const parent = startParent();
  const processes = await processesOf(parent);
  assert.ok(processes.every(isRunning));
  parent.kill("SIGKILL");
  await parent.status;
  await gone(processes);
});

Deno.test({
  name: "WorkerPool's workers are gone when their parent is killed, even while they compute",
  // Elsewhere a worker notices once its routine yields.
  ignore: (await endingWithParent("program")).path === "program",
  async fn() {
    const parent = startParent(["compute"], "piped");
    const processes = await processesOf(parent);
    for await (const line of lines(parent.stderr)) if (line.includes("computing")) break;
    parent.kill("SIGKILL");
    await parent.status;
    await gone(processes);
  },
});

Deno.test("WorkerPool's workers are gone when their parent ends in order", async () => {
  const parent = startParent();
  const processes = await processesOf(parent);
  parent.kill("SIGTERM");
  assert.equal((await parent.status).code, 0);
  assert.deepEqual(processes.filter(isRunning), []);
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

type EventOf<Type> = Extract<SelvageEvent, { readonly type: Type }>;

/** The next event of a type that is wanted. */
async function next<Type extends SelvageEvent["type"]>(
  pool: WorkerPool,
  type: Type,
  wanted: (event: EventOf<Type>) => boolean = () => true,
): Promise<EventOf<Type>> {
  return (await all(pool, type, 1, wanted))[0]!;
}

async function all<Type extends SelvageEvent["type"]>(
  pool: WorkerPool,
  type: Type,
  count: number,
  wanted: (event: EventOf<Type>) => boolean = () => true,
): Promise<EventOf<Type>[]> {
  const isWanted = (event: SelvageEvent): event is EventOf<Type> =>
    event.type === type && wanted(event as EventOf<Type>);
  const found: EventOf<Type>[] = [];
  for await (const event of pool.events()) {
    if (isWanted(event)) found.push(event);
    if (found.length === count) return found;
  }
  throw new Error(`the pool ended without ${count} events ${type}`);
}

function startParent(
  args: readonly string[] = [],
  stderr: "inherit" | "piped" = "inherit",
): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./parent.ts", import.meta.url).href, ...args],
    stdout: "piped",
    stderr,
  }).spawn();
}

async function processesOf(parent: Deno.ChildProcess): Promise<number[]> {
  for await (const line of lines(parent.stdout)) return JSON.parse(line);
  throw new Error("the parent ended without a word");
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was fulfilled");
}
