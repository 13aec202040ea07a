import assert from "node:assert/strict";
import { join } from "node:path";
import { defaultWorkerLimits } from "../../src/worker/mod.ts";
import { selvage, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

async function written(settings: string): Promise<string> {
  const file = join(await Deno.makeTempDir(), "selvage.jsonc");
  await Deno.writeTextFile(file, settings);
  return file;
}

Deno.test("a file of settings stands in for flags, and a variable and a flag are used over it", async (t) => {
  await using worker = await startWorker([MODULE]);
  const file = await written(`{
    // A comment, and a comma at the end.
    "endpoint": ["127.0.0.1:1"],
    "commands": { "call": { "endpoint": "${worker.address}", "stream": true }, },
  }`);
  await t.step("a command's own settings over the shared ones", async () => {
    const { out, err } = await inProcess(["call", "cli.count", "[2]", "--config", file]);
    assert.equal(out, "1\n2\n", err);
  });
  await t.step("the shared ones for every command that has such a flag", async () => {
    assert.equal((await inProcess(["health", "--config", file])).code, 6);
  });
  await t.step("a variable over the file, and a flag over both", async () => {
    const env = { SELVAGE_ENDPOINT: "nowhere", SELVAGE_CONFIG: file };
    const call = ["call", "cli.count", "[1]"];
    assert.match((await selvage(call, { env })).err, /nowhere/);
    const { out, err } = await selvage([...call, "--endpoint", worker.address], { env });
    assert.equal(out, "1\n", err);
  });
  await t.step("and permissions covers the file and what it names", async () => {
    const { out } = await inProcess(["permissions", "call", "cli.count", "[2]", "--config", file]);
    const permissions = out.trim().split(" ");
    const called = await selvage(["call", "cli.count", "[2]", "--config", file], { permissions });
    assert.equal(called.out, "1\n2\n", called.err);
  });
});

Deno.test("a file of settings is refused for an unknown key, with the nearest, and a wrong value", async () => {
  const wrong: [settings: string, message: RegExp, command?: string][] = [
    ['{ "endpiont": "x:1" }', /no setting "endpiont"; did you mean "endpoint"/],
    ['{ "commands": { "cal": {} } }', /no command "cal"; did you mean "call"/],
    ['{ "commands": { "call": { "drainGrace": "1s" } } }', /no setting of call "drainGrace"/],
    ['{ "timeout": "soon" }', /timeout is "soon"\. It takes a duration/],
    ['{ "timeout": 0 }', /timeout is 0\. [^]*whole number from 1/],
    ['{ "timeout": true }', /timeout must be a duration such as "5s", or milliseconds/],
    ['{ "strict": "yes" }', /strict must be true or false, not "yes"$/],
    ['{ "identity": [1] }', /identity must be a text, or a list .*, not a list$/],
    ['{ "cert": "" }', /cert must be a text that is not empty/],
    ['{ "endpoint": [] }', /endpoint must be a text, or a list .*, not an empty list$/],
    ['{ "logLevel": "loud" }', /logLevel is "loud"[^]*debug/],
    ['{ "listen": 8443 }', /^[^ ]+: listen must be a text, not 8443$/, "worker"],
    ['{ "drainGrace": 25 }', /drainGrace must be a duration such as "5s", not 25$/, "worker"],
    ["[]", /must be a JSON object/],
    ["{", /is not JSON/],
  ];
  for (const [settings, message, command] of wrong) {
    const line = command === undefined ? ["call", "a.b", "--endpoint", "x:1"] : [command, "m.ts"];
    const { code, err } = await inProcess([...line, "--config", await written(settings)]);
    assert.equal(code, 2, err);
    assert.match(JSON.parse(err).message, message);
  }
  const away = await inProcess(["config", "check", "--config", "/no/such/file"]);
  assert.equal(away.code, 2);
});

Deno.test("config check says what is in effect, and why", async () => {
  const file = await written('{ "ca": "ca.pem", "commands": { "worker": { "strict": true } } }');
  const env = { SELVAGE_THREADS: "2", SELVAGE_CONFIG: file };
  const line = ["worker", "m.ts", "--listen", "127.0.0.1:1"];
  const { code, out, err } = await selvage(["config", "check", "--json", ...line], { env });
  assert.equal(code, 0, err);
  const [{ command, settings }] = JSON.parse(out).commands;
  assert.equal(command, "worker");
  const of = (name: string) => settings.find((one: { setting: string }) => one.setting === name);
  assert.deepEqual(of("listen"), {
    setting: "listen",
    value: "127.0.0.1:1",
    source: "flag",
    from: "--listen",
  });
  assert.deepEqual(of("threads"), {
    setting: "threads",
    value: 2,
    source: "variable",
    from: "SELVAGE_THREADS",
  });
  assert.deepEqual(of("strict"), { setting: "strict", value: true, source: "file", from: file });
  // A path is relative to the file that names it.
  assert.deepEqual(of("ca").value, [join(file, "../ca.pem")]);
  assert.equal(of("logLevel").source, "default");
  assert.equal(of("cert").source, "unset");
  // What happens without a flag is shown, and is what the library does.
  const implied = {
    concurrency: String(defaultWorkerLimits.concurrency),
    queue: String(defaultWorkerLimits.queueCalls),
    drainGrace: `${defaultWorkerLimits.drainGraceMs / 1_000}s`,
    plaintext: "refuse",
    verdict: "private",
    oneWay: false,
  };
  for (const [setting, value] of Object.entries(implied)) {
    assert.deepEqual(of(setting), { setting, value, source: "default" });
  }
  const call = await selvage(["config", "check", "call", "a.b"]);
  assert.match(call.out, /^ {2}timeout +30s +default$/m);

  const all = await selvage(["config", "check"], { env });
  assert.match(all.out, /^worker\n {2}strict +true +\/[^]*^call\n {2}ca /m);
  assert.doesNotMatch(all.out, /cert |unset/);
});

Deno.test("the schema of settings takes no smaller number than the command does", async () => {
  const { out } = await inProcess(["config", "schema"]);
  const { minimum } = JSON.parse(out).properties.lease;
  for (const [lease, complains] of [[minimum - 1, true], [minimum, false]] as const) {
    const file = await written(JSON.stringify({ lease }));
    const { err } = await inProcess(["call", "a.b", "--config", file]);
    assert.equal(/lease is -?\d+\. It takes a whole number/.test(err), complains, err);
  }
});
