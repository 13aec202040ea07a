import assert from "node:assert/strict";
import { selvage, startWorker } from "./command.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("call --stream of a duplex routine sends the lines of standard input", async (t) => {
  await using worker = await startWorker([MODULE]);
  const call = (name: string, args: string, input: string, ...flags: string[]) =>
    selvage(["call", name, args, "--endpoint", worker.address, ...flags], { input });

  await t.step("and prints an item a line", async () => {
    const { code, out, err } = await call("cli.tally", "[10]", "1\n\n2\n3", "--stream");
    assert.equal(out, "11\n13\n16\n", err);
    assert.equal(code, 0);
  });

  await t.step("and no items where there is no input", async () => {
    assert.deepEqual(await call("cli.tally", "[10]", "", "--stream"), {
      code: 0,
      out: "",
      err: "",
    });
  });

  await t.step("more of them than may be under way unread", async () => {
    const input = Array.from({ length: 3_000 }, () => "1\n").join("");
    const { out } = await call("cli.tally", "[0]", input, "--stream");
    assert.equal(out.trim().split("\n").at(-1), "3000");
  });

  await t.step("and ends when the routine does, however much is left", async () => {
    const input = Array.from({ length: 100_000 }, (_, n) => `${n}\n`).join("");
    const { code, out } = await call("cli.first", "[]", input, "--stream");
    assert.equal(out, "0\n");
    assert.equal(code, 0);
  });

  await t.step("a bad line cancels the call and exits 2, behind earlier results", async () => {
    const { code, out, err } = await call("cli.tally", "[0]", "1\n2\nthree\n4\n", "--stream");
    assert.equal(code, 2, err);
    assert.equal(out, "1\n3\n");
    const { error, setting, message } = JSON.parse(err);
    assert.equal(`${error} ${setting}`, "ConfigurationError standard input");
    assert.match(message, /line 3 of standard input is not JSON/);
  });

  await t.step("a bad line behind which the routine ends by itself is reported, too", async () => {
    const { code, out, err } = await call("cli.first", "[]", "1\n2\nthree\n", "--stream");
    assert.equal(out, "1\n");
    // It may have ended before the line was read.
    if (code !== 0) assert.match(JSON.parse(err).message, /line 3 of standard input is not JSON/);
  });

  await t.step("a stream takes none of it, and a stream without --stream is named", async () => {
    assert.equal((await call("cli.count", "[2]", "not JSON", "--stream")).out, "1\n2\n");
    for (const name of ["cli.count", "cli.tally"]) {
      const { code, err } = await call(name, "[2]", "");
      assert.equal(code, 2);
      assert.match(JSON.parse(err).message, /answers with a stream[^]*--stream/);
    }
    const once = await call("cli.add", "[1]", "", "--stream");
    assert.equal(once.code, 2);
    assert.match(JSON.parse(once.err).message, /answers once[^]*leave out --stream/);
  });
});
