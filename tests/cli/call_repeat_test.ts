import assert from "node:assert/strict";
import { selvage, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("call --repeat prints a load report", async (t) => {
  await using worker = await startWorker([MODULE, "--concurrency", "256"]);
  const at = ["--endpoint", worker.address, "--repeat", "200", "--concurrency", "16"];

  await t.step("as one JSON object", async () => {
    const { code, out, err } = await inProcess(["call", "cli.add", "[1,2]", "--json", ...at]);
    assert.equal(code, 0, err);
    const { calls, succeeded, failed, seconds, callsPerSecond, latencyMs } = JSON.parse(out);
    assert.deepEqual({ calls, succeeded, failed }, { calls: 200, succeeded: 200, failed: {} });
    assert.ok(seconds > 0 && callsPerSecond > 0);
    const { min, p50, p95, p99, max } = latencyMs;
    assert.ok(0 < min && min <= p50 && p50 <= p95 && p95 <= p99 && p99 <= max, out);
  });

  await t.step("as a person reads it, with what failed and its exit code", async () => {
    const { code, out, err } = await selvage(["call", "cli.fail", ...at]);
    assert.equal(code, 1);
    assert.match(out, /^200 calls in [\d.e-]+ s: \d+ a second, 0 succeeded\n/);
    assert.match(out, /failed: 200 RoutineError \(RangeError\)/);
    assert.equal(JSON.parse(err).thrown, "RangeError", "the most frequent failure, in full");
  });

  await t.step("and fails like one call where no worker is there", async () => {
    const args = ["call", "cli.add", "--endpoint", "127.0.0.1:1", "--repeat", "5"];
    const { code, err } = await inProcess(args);
    assert.equal(code, 6, err);
    assert.equal(JSON.parse(err).error, "WorkerUnavailable");
  });
});
