import assert from "node:assert/strict";
import { join } from "node:path";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { Dispatcher, type DispatcherSnapshot } from "../../src/dispatch/mod.ts";
import { ConfigurationError } from "../../src/errors/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { askAdmin } from "../../src/cli/admin_client.ts";
import { selvage } from "./command.ts";

const WORKER = "spiffe://x/worker";

Deno.test("a dispatcher's admin socket shows it to its own user, and rehearses other authorities", async (t) => {
  await using stage = await Stage.open();
  const { dispatcher, worker, path } = stage;
  const begun = dispatcher.stream(routine<() => AsyncIterable<string>>("x.hold"), []);
  assert.equal((await begun.next()).value, "begun");

  await t.step("it is in a folder of mode 700, itself of mode 600", async () => {
    const mode = async (of: string) => (await Deno.stat(of)).mode! & 0o777;
    assert.equal(await mode(join(path, "..")), 0o700);
    assert.equal(await mode(path), 0o600);
  });

  await t.step("a snapshot names the workers, calls and certificates", async () => {
    const now = await stage.snapshot();
    assert.equal(now.of, "dispatcher");
    assert.equal(now.id, dispatcher.id);
    assert.deepEqual(now.names, ["spiffe://x/caller"]);
    assert.equal(now.inFlight, 1);
    assert.ok(now.certificateEnds! > Date.now());
    const [good, down] = now.workers;
    assert.deepEqual([good?.address, good?.identity, good?.state], [
      worker.address,
      WORKER,
      "ready",
    ]);
    assert.equal(good?.inFlight, 1);
    assert.equal(down?.address, "127.0.0.1:1");
  });

  await t.step("calls that end are counted and timed", async () => {
    const before = (await stage.snapshot()).calls;
    assert.equal(await dispatcher.call(routine<() => number>("x.one"), []), 1);
    const after = (await stage.snapshot()).calls;
    assert.equal(after.count - before.count, 1);
    assert.ok(after.seconds > before.seconds);
  });

  await t.step("events follow as they happen, behind a snapshot", async () => {
    const over = new AbortController();
    const lines = askAdmin(path, { ask: "events" }, over.signal);
    assert.equal((await lines.next()).value?.["type"], "snapshot");
    await assert.rejects(dispatcher.call(routine<() => void>("x.fail"), []));
    for await (const { type, routine } of lines) {
      if (type !== "call.failed") continue;
      assert.equal(routine, "x.fail");
      break;
    }
    over.abort();
  });

  await t.step("top --admin shows the workers", async () => {
    const { out, err } = await selvage(["top", "--once", "--admin", path]);
    assert.match(
      out,
      /^spiffe:\/\/x\/caller, certificate (?:1d|23h 59m), 2 workers, 1 in flight/m,
      err,
    );
    assert.match(out, /^127\S+ +spiffe:\/\/x\/worker +ready +1 +\S.*$/m);
  });

  await t.step("rehearse --admin judges the workers that are connected", async () => {
    const next = await Deno.makeTempFile();
    await Deno.writeTextFile(next, createAuthority().certPem);
    const { code, out } = await selvage(["rehearse", "--ca", next, "--admin", path, "--json"]);
    assert.equal(code, 4);
    const [good, down] = JSON.parse(out).peers;
    assert.deepEqual([good.outcome, good.refusedBy, good.reason], [
      "refused",
      "dispatcher",
      "untrusted-authority",
    ]);
    assert.equal(down.outcome, "unreachable");
    await Deno.writeTextFile(next, stage.caPem);
    const kept = await selvage(["rehearse", "--ca", next, "--admin", path, "--json"]);
    assert.equal(JSON.parse(kept.out).peers[0].outcome, "accepted");
  });

  await t.step("nothing that it is asked changes the dispatcher", async () => {
    await assert.rejects(stage.ask({ ask: "stop" }), /snapshot/);
    stage.release();
    assert.equal((await begun.next()).value, "done");
  });

  await t.step("it goes with the dispatcher", async () => {
    await dispatcher[Symbol.asyncDispose]();
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
  });
});

Deno.test("a dispatcher does not open with an admin socket in a folder that others may enter", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o755);
  const opening = Dispatcher.open({
    discovery: "static:127.0.0.1:1",
    admin: join(folder, "admin.sock"),
  });
  await assert.rejects(
    opening,
    (error) => error instanceof ConfigurationError && error.setting === "admin",
  );
});

Deno.test("a pool has an admin socket, too", async () => {
  const path = join(await Deno.makeTempDir(), "run", "admin.sock");
  await using worker = await WorkerServer.start({ routines: [routine("x.one", () => 1)] });
  {
    await using pool = await WorkerPool.open({
      discovery: `static:${worker.address}`,
      admin: path,
    });
    assert.equal(await pool.call(routine<() => number>("x.one"), []), 1);
    const now = await first(askAdmin(path, { ask: "snapshot" })) as unknown as DispatcherSnapshot;
    assert.equal(now.calls.count, 1);
    assert.deepEqual(now.workers.map(({ address }) => address), [worker.address]);
  }
  await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
});

/** A worker, one that is down, and a dispatcher with an admin socket. */
class Stage implements AsyncDisposable {
  private constructor(
    readonly worker: WorkerServer,
    readonly dispatcher: Dispatcher,
    readonly path: string,
    readonly caPem: string,
    readonly release: () => void,
  ) {}

  static async open(): Promise<Stage> {
    const authority = createAuthority();
    const { certPem: caPem } = authority;
    const path = join(await Deno.makeTempDir(), "run", "admin.sock");
    const as = (name: string) => {
      const { certPem: cert, keyPem: key } = authority.issue({
        name,
        spiffe: `spiffe://x/${name}`,
      });
      return Credentials.fromPem({ ca: caPem, cert, key });
    };
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await WorkerServer.start({
      routines: [
        routine("x.hold", async function* () {
          yield "begun";
          await held;
          yield "done";
        }),
        routine("x.one", () => 1),
        routine("x.fail", () => {
          throw new RangeError("no");
        }),
      ],
      credentials: as("worker"),
      allow: "*",
    });
    const dispatcher = await Dispatcher.open({
      discovery: `static:${worker.address},127.0.0.1:1`,
      credentials: as("caller"),
      identity: WORKER,
      admin: path,
    });
    await dispatcher.ready();
    return new Stage(worker, dispatcher, path, caPem, release);
  }

  ask(request: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    return first(askAdmin(this.path, request));
  }

  async snapshot(): Promise<DispatcherSnapshot> {
    return await this.ask({ ask: "snapshot" }) as unknown as DispatcherSnapshot;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.dispatcher[Symbol.asyncDispose]();
    await this.worker[Symbol.asyncDispose]();
  }
}

async function first<Value>(values: AsyncIterable<Value>): Promise<Value> {
  for await (const value of values) return value;
  throw new Error("there was no answer");
}
