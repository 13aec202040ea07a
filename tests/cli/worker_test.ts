import assert from "node:assert/strict";
import { type Running, type RunningWorker, selvage, start, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";
import { issue } from "./pki.ts";

/** A name server that is not there finds nobody. */
const NOBODY = "dns:nobody.invalid:8443?ns=127.0.0.1:1";
const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("worker and call speak plaintext on loopback where no credentials are given", async (t) => {
  await using worker = await startWorker([MODULE]);
  assert.deepEqual(Object.keys(worker.ready), ["event", "id", "address", "url", "security"]);
  assert.equal(worker.ready["event"], "worker.ready");
  assert.match(worker.address, /^127\.0\.0\.1:\d+$/);
  assert.equal(worker.ready["url"], `http://${worker.address}`);
  assert.equal(worker.ready["security"], "plaintext");
  const { code, out, err } = await selvage([
    "call",
    "cli.add",
    "[1,2]",
    "--endpoint",
    worker.address,
  ]);
  assert.equal(code, 0, err);
  assert.equal(out, "3\n");

  await t.step("call prints a stream as one line an item, and nothing as null", async () => {
    const at = ["--endpoint", worker.address];
    const streamed = await inProcess(["call", "cli.count", "[3]", "--stream", ...at]);
    assert.equal(streamed.out, "1\n2\n3\n");
    assert.equal((await inProcess(["call", "cli.nothing", ...at])).out, "null\n");
    assert.equal((await inProcess(["call", "cli.square", "[7]", ...at])).out, "49\n");
  });

  await t.step("call reports each failure by its exit code and one line of JSON", async () => {
    const at = ["--endpoint", worker.address];
    const failed = async (args: string[], code: number) => {
      const ended = await inProcess(["call", ...args]);
      assert.equal(ended.code, code, `${args.join(" ")}: ${ended.err}`);
      assert.equal(ended.err.trim().split("\n").length, 1, ended.err);
      return JSON.parse(ended.err);
    };
    const threw = await failed(["cli.fail", ...at], 1);
    assert.equal(threw.error, "RoutineError");
    assert.equal(threw.thrown, "RangeError");
    assert.deepEqual(threw.data, { code: 7 });
    const unknown = await failed(["cli.ad", "[1]", ...at], 2);
    assert.equal(unknown.error, "UnknownRoutine");
    assert.equal(unknown.nearest, "cli.add");
    const late = await failed(["cli.wait", "[60000]", "--timeout", "100", ...at], 7);
    assert.equal(late.error, "DeadlineExceeded");
    const away = await failed(["cli.add", "[1]", "--endpoint", "127.0.0.1:1"], 6);
    assert.equal(away.error, "WorkerUnavailable");
    assert.equal((await failed(["cli.add", "--discover", NOBODY], 3)).error, "NoWorkersAvailable");
  });

  await t.step(
    "workers shows the state of each worker, also where others cannot be reached",
    async () => {
      const discover = `static:${worker.address},127.0.0.1:1`;
      const listed = async () => {
        const { code, out, err } = await inProcess(["workers", "--discover", discover]);
        assert.ok(code === 0 || code === 6, err);
        return out.trim().split("\n").map((line) => JSON.parse(line));
      };
      // The command waits for 2 s, in which a busy machine may not connect.
      let lines = await listed();
      while (lines[0].state !== "ready") lines = await listed();
      // The one that cannot be reached is dialled again and again: it fails or is being dialled.
      assert.deepEqual(lines.map(({ address, state }) => [address, state === "ready"]), [
        [worker.address, true],
        ["127.0.0.1:1", false],
      ]);
      assert.equal(lines[1].lastFailure.error, "WorkerUnavailable");

      const none = await inProcess(["workers", "--discover", "static:127.0.0.1:1"]);
      assert.equal(none.code, 6, none.err);
      assert.equal(JSON.parse(none.out).lastFailure.error, "WorkerUnavailable");
    },
  );

  await t.step("health of a service that the worker does not have is a wrong flag", async () => {
    const { code, err } = await inProcess([
      ...["health", "--service", "no.such.Service", "--endpoint", worker.address],
    ]);
    assert.equal(code, 2, err);
    assert.equal(JSON.parse(err).setting, "--service");
  });
});

Deno.test("worker returns what its start took of memory once it is idle", async () => {
  await using worker = await startWorker([new URL("./young_room.ts", import.meta.url).pathname]);
  await worker.logged("the room for young objects is small");
});

Deno.test("worker drains on SIGTERM, so that a call in flight finishes, and exits 0", async () => {
  await using worker = await startWorker([MODULE]);
  await using call = callSteps(worker, 1_000);
  assert.equal(await call.first, '"begun"');
  worker.kill("SIGTERM");
  const { code, out, err } = await worker.ended;
  assert.equal(code, 0, err);
  assert.equal(out.trim().split("\n").length, 1, "exactly one line on stdout");
  assert.equal((await call.ended).out, '"begun"\n"done"\n');
});

Deno.test("worker cuts calls off when its drain grace is over", async () => {
  await using worker = await startWorker([MODULE, "--drain-grace", "100ms"]);
  await using call = callSteps(worker, 600_000);
  await call.first;
  worker.kill("SIGINT");
  assert.equal((await worker.ended).code, 0);
  assert.equal((await call.ended).code, 6);
});

Deno.test("worker ends at once when it is asked to stop for the second time", async () => {
  await using worker = await startWorker([MODULE]);
  await using call = callSteps(worker, 600_000);
  await call.first;
  worker.kill("SIGTERM");
  await worker.logged("worker.draining");
  worker.kill("SIGTERM");
  assert.equal((await worker.ended).code, 143);
});

Deno.test("worker stops at the first signal while it still starts, and exits 0", async (t) => {
  const folder = await Deno.makeTempDir();
  const loading = `${folder}/loading.ts`;
  await Deno.writeTextFile(
    loading,
    'console.error("loading"); await new Promise(() => setInterval(() => {}, 60_000));',
  );
  const agent = ["--spiffe-socket", `${folder}/agent.sock`, "--allow", "*"];
  const starts: [waits: string, args: string[], logged: string][] = [
    ["for an agent", [MODULE, ...agent], "provider-failed"],
    ["for a module", [loading], "loading"],
  ];
  for (const [waits, args, logged] of starts) {
    await t.step(`it waits ${waits}`, async () => {
      await using worker = start(["worker", ...args]);
      await worker.logged(logged);
      worker.kill("SIGINT");
      const { code, out, err } = await worker.ended;
      assert.deepEqual({ code, out }, { code: 0, out: "" }, err);
    });
  }
});

Deno.test("worker is ready only once it is announced, and says why it cannot be", async () => {
  const registry = "etcd:http://127.0.0.1:1/x/";
  const { code, out, err } = await selvage(["worker", MODULE, "--publish", registry]);
  assert.notEqual(code, 0);
  assert.equal(out, "");
  assert.match(err, /etcd 127\.0\.0\.1:1 cannot be reached/);
  assert.doesNotMatch(err, /is ready/);
});

Deno.test("worker and call prove each other's identity over mutual TLS", async () => {
  const pki = await issue();
  await using worker = await startWorker([
    MODULE,
    ...pki.flags("worker"),
    "--allow",
    "spiffe://x/client",
  ]);
  assert.equal(worker.ready["security"], "mutual-tls");
  assert.equal(worker.ready["url"], `https://${worker.address}`);
  const call = (...flags: string[]) =>
    inProcess(["call", "cli.add", "[1,2]", "--endpoint", worker.address, ...flags]);

  const known = await call(...pki.flags("client"), "--identity", "spiffe://x/worker");
  assert.equal(known.out, "3\n", known.err);

  const mistaken = await call(...pki.flags("client"), "--identity", "spiffe://x/other");
  assert.equal(mistaken.code, 4);
  assert.ok(mistaken.err.startsWith('{"error":"HandshakeError","reason":"identity-mismatch",'));
  const at = ["--endpoint", worker.address, ...pki.flags("client")];
  const described = await inProcess(["describe", ...at, "--identity", "spiffe://x/other"]);
  assert.equal(described.code, 4, described.err);
  assert.equal(JSON.parse(described.err).reason, "identity-mismatch");

  const stranger = await call(...pki.flags("stranger"), "--identity", "spiffe://x/worker");
  assert.equal(stranger.code, 4, stranger.err);
  const { reason, peerReason } = JSON.parse(stranger.err);
  assert.equal(`${reason} ${peerReason}`, "client-certificate-refused subject-not-allowed");

  // The authority vouches for a domain that the worker is not in.
  const [, ca, ...own] = pki.flags("client");
  const labelled = (domain: string) =>
    call("--ca", `${domain}=${ca}`, ...own, "--identity", "spiffe://x/worker");
  assert.equal((await labelled("x")).out, "3\n");
  const elsewhere = await labelled("y");
  assert.equal(elsewhere.code, 4, elsewhere.err);
  assert.equal(JSON.parse(elsewhere.err).reason, "untrusted-authority");

  const plain = await call();
  assert.equal(plain.code, 4, plain.err);
  assert.equal(JSON.parse(plain.err).reason, "encrypted-peer");
});

Deno.test("worker refuses clients on its denylist, which goes with mutual TLS only", async () => {
  const pki = await issue();
  const denylist = pki.file("denylist.json");
  await Deno.writeTextFile(denylist, JSON.stringify({ spiffeIds: ["spiffe://x/stranger"] }));
  await using worker = await startWorker([
    MODULE,
    ...pki.flags("worker"),
    ...["--denylist", denylist, "--allow", "spiffe://x/*"],
  ]);
  const call = (name: string) =>
    inProcess([
      ...["call", "cli.add", "[1,2]", "--endpoint", worker.address],
      ...[...pki.flags(name), "--identity", "spiffe://x/worker"],
    ]);
  assert.equal((await call("client")).out, "3\n");
  const denied = JSON.parse((await call("stranger")).err);
  assert.equal(denied.peerReason, "certificate-denied");
  for (const flags of [[], ["--one-way", ...pki.flags("worker")]]) {
    const refused = await inProcess(["worker", MODULE, ...flags, "--denylist", denylist]);
    assert.equal(refused.code, 2, refused.err);
  }
});

Deno.test("describe, health and workers show a worker", async () => {
  await using worker = await startWorker([MODULE, "--tag", "gpu", "--tag", "big"]);
  const at = ["--endpoint", worker.address];
  const described = JSON.parse((await selvage(["describe", ...at])).out);
  assert.equal(described.id, worker.ready["id"]);
  assert.deepEqual(described.tags, ["gpu", "big"]);
  assert.deepEqual(described.routines[0], {
    name: "cli.add",
    version: "3",
    idempotent: true,
  });
  const health = await selvage(["health", ...at]);
  assert.equal(health.out, '{"status":"SERVING"}\n', health.err);
  const listed = async () => {
    const { out } = await selvage(["workers", "--discover", `static:${worker.address}`]);
    return JSON.parse(out.trim().split("\n")[0]!);
  };
  // The command waits for 2 s, in which a busy machine may not connect.
  let line = await listed();
  while (line.state !== "ready") line = await listed();
  assert.equal(line.address, worker.address);
});

Deno.test("worker keeps stdout for its own line, whatever its modules say", async () => {
  const loud = new URL("./loud_routines.ts", import.meta.url).pathname;
  await using worker = await startWorker([loud]);
  await selvage(["call", "cli.loud", "--endpoint", worker.address]);
  worker.kill("SIGTERM");
  const { out, err } = await worker.ended;
  assert.equal(out.trim().split("\n").length, 1, out);
  assert.match(err, /said while it loads[^]*said while it runs/);
});

Deno.test("worker --discover says where its routines call others", async () => {
  const pki = await issue();
  const mutual = (name: string) => [...pki.flags(name), "--allow", "*"];
  await using far = await startWorker([MODULE, ...mutual("worker")]);
  const forwards = new URL("./forwarding_routines.ts", import.meta.url).pathname;
  await using near = await startWorker([
    ...[forwards, ...mutual("worker")],
    ...["--discover", `static:${far.address}`, "--identity", "spiffe://x/worker"],
  ]);
  const { out, err } = await inProcess([
    ...["call", "cli.forward", "[3]", "--endpoint", near.address],
    ...[...pki.flags("client"), "--identity", "spiffe://x/worker"],
  ]);
  assert.equal(out, "4\n", err);
});

Deno.test("a worker whose key is not its certificate's says so", async () => {
  const pki = await issue();
  const [ca, , cert] = [pki.flags("worker")[1], 0, pki.flags("worker")[3]];
  const key = pki.flags("client")[5];
  const { code, err } = await selvage([
    ...["worker", MODULE, "--allow", "*", "--log-level", "fatal"],
    ...["--ca", ca!, "--cert", cert!, "--key", key!],
  ]);
  assert.equal(code, 2, err);
  assert.match(JSON.parse(err).message, /the private key is not the certificate's/);
});

Deno.test("call reports at once, in one line, a file that is not there", async () => {
  const pki = await issue();
  const flags = pki.flags("client").with(5, "/nowhere/client.key");
  const { code, err } = await inProcess(["call", "cli.add", "--endpoint", "127.0.0.1:1", ...flags]);
  assert.equal(code, 2, err);
  assert.match(JSON.parse(err).message, /client\.key/);
});

Deno.test("health waits for a worker that is not up yet, and gives up when the wait is over", async () => {
  const { code } = await inProcess(["health", "--endpoint", "127.0.0.1:1", "--wait", "300ms"]);
  assert.equal(code, 6);
});

Deno.test("call --lease and --quorum say how many of the workers found are used and waited for", async () => {
  await using one = await startWorker([MODULE]);
  await using other = await startWorker([MODULE]);
  const call = [
    "call",
    "cli.square",
    "[7]",
    "--discover",
    `static:${one.address},${other.address}`,
  ];
  assert.equal((await inProcess([...call, "--quorum", "2"])).out, "49\n");
  const leased = ["--lease", "1", "--lease-ordinal", "3"];
  assert.equal((await inProcess([...call, ...leased])).out, "49\n");
  const late = async (timeoutMs: number) => {
    const flags = ["--quorum", "2", ...leased, "--timeout", String(timeoutMs)];
    const { code, err } = await inProcess([...call, ...flags]);
    assert.equal(code, 7, err);
    return err;
  };
  // Where not even the first is ready in time, it is given more.
  let [timeoutMs, ready] = [250, await late(250)];
  while (/0 of 2 workers/.test(ready)) ready = await late(timeoutMs *= 2);
  assert.match(ready, /1 of 2 workers were ready/);
});

Deno.test("worker warns of a module that exports no routine, and of no other", async () => {
  const none = new URL("./pki.ts", import.meta.url).pathname;
  await using worker = await startWorker([MODULE, none]);
  await worker.logged("exports no routine");
  worker.kill("SIGTERM");
  const lines = (await worker.ended).err.split("\n").filter((line) => line.includes("no routine"));
  assert.equal(lines.length, 1, lines.join("\n"));
  assert.match(lines[0]!, /WARN[^]*pki\.ts/);
});

function callSteps(worker: RunningWorker, ms: number): Running {
  const args = ["--stream", "--endpoint", worker.address];
  return start(["call", "cli.steps", JSON.stringify([ms]), ...args]);
}
