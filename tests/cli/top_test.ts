import assert from "node:assert/strict";
import { join } from "node:path";
import { selvage, start, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";
import { issue } from "./pki.ts";
import { hasTerminal, Terminal } from "./terminal.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("top --once prints a fleet, and a worker with its peers", async () => {
  const pki = await issue();
  const admin = join(await Deno.makeTempDir(), "run", "admin.sock");
  await using worker = await startWorker([
    MODULE,
    ...pki.flags("worker"),
    ...["--allow", "spiffe://x/client", "--admin", admin],
  ]);
  const fleet = (name: string, ...flags: string[]) =>
    inProcess([
      ...["top", "--once", "--discover", `static:${worker.address}`, ...pki.flags(name)],
      ...["--identity", "spiffe://x/worker", "--timeout", "60000", ...flags],
    ]);
  const good = await fleet("client");
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^1 worker, 1 ready, 0 in flight$/m);
  assert.match(
    good.out,
    /^127[.\d:]+ +spiffe:\/\/x\/worker +ready +[\d.]+ ms +\S.* +(?:1d|23h 59m)$/m,
  );
  const bad = JSON.parse((await fleet("stranger", "--json")).out);
  assert.equal(bad.rows[0][2], "failing");
  assert.ok(bad.refusals["client-certificate-refused"] >= 1);

  await using caller = start([
    ...["call", "cli.steps", "[600000]", "--stream", "--endpoint", worker.address],
    ...[...pki.flags("client"), "--identity", "spiffe://x/worker"],
  ]);
  assert.equal(await caller.first, '"begun"');
  const busy = await fleet("client");
  assert.match(busy.out, /^1 worker, 1 ready, 1 in flight$/m);
  assert.match(busy.out, /^127\S+ +spiffe:\S+ +ready +[\d.]+ ms +1 +(?:1d|23h 59m)$/m);
  const one = await selvage(["top", "--once", "--admin", admin]);
  assert.match(
    one.out,
    /spiffe:\/\/x\/worker, certificate (?:1d|23h 59m), 1 connection, 1 in flight/,
  );
  assert.match(one.out, /^\S+ +spiffe:\/\/x\/client +ready +1 +(?:1d|23h 59m)/m);
  assert.match(one.out, /^refusals: subject-not-allowed \d+$/m);
});

Deno.test("top says of a worker that is not reached why", async () => {
  const discover = ["--discover", "static:127.0.0.1:1", "--timeout", "60000"];
  const { out } = await inProcess(["top", "--once", "--json", ...discover]);
  const [row] = JSON.parse(out).rows;
  assert.equal(row[2], "failing");
  assert.match(row[6], /^cannot be reached: ECONNREFUSED/);
});

Deno.test({
  name: "top draws 80 columns live, and gives the terminal back on q (needs tmux)",
  ignore: !hasTerminal,
  async fn() {
    const admin = join(await Deno.makeTempDir(), "run", "admin.sock");
    await using _worker = await startWorker([MODULE, "--admin", admin]);
    await using terminal = await Terminal.open(["top", "--admin", admin, "--interval", "100ms"]);
    const drawn = await terminal.until((text) => /refusals: none/.test(text));
    const lines = drawn.split("\n");
    assert.match(lines[0]!, /^selvage top {2}\S+ 127[.\d:]+ {2}\d\d:\d\d:\d\dZ$/);
    assert.match(drawn, /0 in flight/);
    assert.ok(lines.every((line) => line.length <= 80));
    const clock = /\d\d:\d\d:\d\dZ/.exec(drawn)![0];
    await terminal.until((text) => /\d\d:\d\d:\d\dZ/.test(text) && !text.includes(clock));
    await terminal.press("q");
    await terminal.until((text) => /^selvage ended with 0$/m.test(text) && !/refusals/.test(text));
  },
});
