import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { selvage } from "./command.ts";
import { inProcess } from "./in_process.ts";

Deno.test("selvage shows its commands, without a command and with --help", async () => {
  for (const args of [[], ["--help"]]) {
    const { code, out } = await selvage(args);
    assert.equal(code, 0);
    for (const name of ["worker", "call", "certs", "permissions", "describe", "health"]) {
      assert.match(out, new RegExp(`^  ${name}`, "m"));
    }
    assert.match(out, /^Exit codes:\n +0 +done/m);
    assert.match(out, /selvage COMMAND --help/);
  }
});

Deno.test("selvage shows each flag of a command with its variable", async () => {
  const { code, out } = await inProcess(["worker", "--help"]);
  assert.equal(code, 0);
  assert.match(out, /--listen <HOST:PORT>[^]*SELVAGE_LISTEN/);
  assert.match(out, /--drain-grace <DURATION>[^]*SELVAGE_DRAIN_GRACE/);
});

Deno.test("selvage help shows the help of a command within a group", async () => {
  const { code, out } = await inProcess(["help", "certs", "issue"]);
  assert.equal(code, 0);
  assert.equal(out, (await inProcess(["certs", "issue", "--help"])).out);
  assert.match(out, /^Usage: selvage certs issue /);
});

Deno.test("selvage says in one sentence what is wrong with a command line", async () => {
  const wrong: [args: string[], sentence: RegExp][] = [
    [["wroker"], /unknown command 'wroker'[^]*worker/],
    [["wroker", "--help"], /unknown command 'wroker'[^]*worker/],
    [["help", "wroker"], /unknown command 'wroker'[^]*worker/],
    [["certs", "isue", "-h"], /unknown command 'isue'[^]*issue/],
    [["worker", "m.ts", "--lisen", "x"], /unknown option '--lisen'[^]*--listen/],
    [["worker"], /missing required argument 'MODULE'/],
    [["worker", "m.ts", "--drain-grace", "soon"], /--drain-grace[^]*duration/],
    [["call", "a.b", "--endpoint", "x:1", "--timeout", "-5"], /--timeout[^]*whole number/],
    [["call", "a.b", "--endpoint", "x:1", "--timeout", "0s"], /--timeout[^]*duration such as/],
  ];
  for (const [args, sentence] of wrong) {
    const { code, out, err } = await inProcess(args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, sentence);
    assert.doesNotMatch(err, /^\s+at /m);
    assert.equal(out, "");
  }
});

Deno.test("selvage worker says which address it cannot listen on, by the flag that names it", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const folder = await Deno.makeTempDir();
  const file = `${folder}/file`;
  await Deno.writeTextFile(file, "");
  const wrong: [args: string[], setting: string, sentence: RegExp][] = [
    [
      ["--listen", `127.0.0.1:${port}`],
      "listen",
      /127\.0\.0\.1:\d+: EADDRINUSE, another process listens there; end it/,
    ],
    [["--health", `127.0.0.1:${port}`], "health", /127\.0\.0\.1:\d+: .*EADDRINUSE/],
    [["--listen", `unix:${folder}/none/a.sock`], "listen", /the folder .*\/none does not exist/],
    [["--listen", `unix:${file}/a.sock`], "listen", /cannot listen on unix:.*a\.sock/],
    [["--listen", `unix:${file}`], "listen", /a file which is no socket/],
    // Nobody may make a socket there; a port's privilege has nothing to do with it.
    [["--listen", "unix:/sys/a.sock"], "listen", /unix:\/sys\/a\.sock: (?!.*\bport\b)/],
  ];
  for (const [args, setting, sentence] of wrong) {
    const module = fileURLToPath(new URL("../../examples/math.ts", import.meta.url));
    const { code, err } = await inProcess(["worker", module, "--log-level", "error", ...args]);
    assert.equal(code, 2, `${args.join(" ")}: ${err}`);
    const failure = JSON.parse(err.trim().split("\n").at(-1)!);
    assert.deepEqual([failure.error, failure.setting], ["ConfigurationError", setting]);
    assert.match(failure.message, sentence);
  }
  taken.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("selvage refuses settings that do not belong together, before anything is opened", async () => {
  const wrong: [args: string[], sentence: RegExp][] = [
    [["worker", "m.ts", "--ca", "ca.pem"], /--cert, --key/],
    [
      ["worker", "m.ts", "--one-way", "--ca", "a"],
      /"--cert, --key belong together; missing: --cert, /,
    ],
    [["call", "a.b", "--endpoint", "x:1", "--one-way"], /"--one-way needs --ca"/],
    [["worker", "m.ts", "--ca", ""], /--ca \(SELVAGE_CA\) is empty; name a file/],
    [["worker", "m.ts", "--ca", "a", "--cert", "b", "--key", "c"], /--allow/],
    [["worker", "no_such_module.ts"], /no_such_module\.ts/],
    [["worker", "m.ts", "--listen", "nowhere"], /is not an address/],
    [["worker", "m.ts", "--advertise", "nowhere"], /"setting":"advertise"/],
    [["call", "a.b"], /--endpoint or --discover/],
    [["call", "a.b", "{}", "--endpoint", "127.0.0.1:1"], /JSON array such as \[1,2\]/],
    [["call", "a.b", "[1", "--endpoint", "127.0.0.1:1"], /JSON array such as \[1,2\]/],
    [
      ["call", "a.b", "1", "x", "--endpoint", "127.0.0.1:1"],
      /one argument, a JSON array: '\[1,\\"x\\"\]'/,
    ],
    [
      ["call", "a.b", "it's", "[2]", "--endpoint", "127.0.0.1:1"],
      /one argument, a JSON array: '\[\\"it\\\\u0027s\\",\[2\]\]'/,
    ],
    [
      ["call", "a.b", "[1]", "stray", "--endpoint", "127.0.0.1:1"],
      /a JSON array; \\"stray\\" after it belongs to no flag: leave it out, or write '\[\[1\],\\"stray\\"\]'/,
    ],
    [["call", "a.b", "--repeat", "2", "--stream", "--endpoint", "x:1"], /--repeat/],
    [["call", "a.b", "--concurrency", "2", "--endpoint", "x:1"], /belongs to --repeat/],
    [["call", "a.b", "--json", "--endpoint", "x:1"], /--repeat.*results are JSON without it/],
    [["call", "a b", "--endpoint", "127.0.0.1:1"], /name/],
    [["call", "a.b", "--endpoint", "127.0.0.1:1", "--discover", "static:x:1"], /exclude/],
    [["call", "a.b", "--endpoint", "127.0.0.1:1", "--lease", "2"], /--lease .*--discover/],
    [["call", "a.b", "--discover", "static:x:1", "--lease-ordinal", "0"], /belongs to --lease/],
    [["worker", "m.ts", "--quorum", "2"], /--quorum .*--discover/],
    [["call", "a.b", "--discover", "carrier-pigeon:x"], /carrier-pigeon/],
    [["call", "a.b", "--endpoint", "nowhere"], /^{[^]*--endpoint: \\"nowhere\\" is not an address/],
    [["call", "a.b", "--endpoint", "127.0.0.1:1,"], /--endpoint is empty/],
    [["call", "a.b", "--endpoint", "https://a.b:1"], /an address has no scheme/],
    [["top", "--admin", "no/such.sock"], /does not exist; name the one of a running process/],
    [["health", "--endpoint", "dns:a.b:1"], /discovery URLs belong to --discover/],
    [["doctor", "--endpoint", "nowhere"], /--endpoint: \\"nowhere\\" is not an address/],
    [["permissions", "wroker"], /no command .*wroker/],
  ];
  for (const [args, sentence] of wrong) {
    const { code, err } = await inProcess(args);
    assert.equal(code, 2, `${args.join(" ")}: ${err}`);
    assert.match(err, sentence);
    assert.equal(JSON.parse(err.trim()).error, "ConfigurationError");
  }
});

Deno.test("selvage names the flag that says where workers are, not the library's option", async () => {
  const settingOf = async (...args: string[]) =>
    JSON.parse((await selvage(["call", "a.b", ...args])).err).setting;
  assert.equal(await settingOf("--endpoint", "nowhere"), "--endpoint");
  assert.equal(await settingOf("--discover", "carrier-pigeon:x"), "--discover");
});

Deno.test("selvage takes durations and milliseconds for --timeout", async () => {
  for (const timeout of ["60s", "250ms", "5000"]) {
    const call = ["call", "a.b", "--endpoint", "127.0.0.1:1", "--timeout", timeout];
    assert.match((await selvage(call)).err, /cannot be reached|deadline|DeadlineExceeded/, timeout);
  }
});

Deno.test("permissions --json says by kind what a command may use", async () => {
  const call = ["call", "a.b", "--endpoint", "127.0.0.1:1"];
  const { out } = await selvage(["permissions", "--json", ...call]);
  assert.deepEqual(JSON.parse(out), {
    command: "call",
    flags: ["--allow-env=SELVAGE_*", "--allow-net=127.0.0.1:1"],
    permissions: { env: ["SELVAGE_*"], net: ["127.0.0.1:1"] },
  });
  const plain = await selvage(["permissions", ...call]);
  assert.equal(plain.out, `${JSON.parse(out).flags.join(" ")}\n`);
  const everywhere = await selvage([
    "permissions",
    "--json",
    "call",
    "a.b",
    "--discover",
    "dns:a:1",
  ]);
  assert.equal(JSON.parse(everywhere.out).permissions.net, true);
});

Deno.test("selvage takes a flag from its variable, and the flag over the variable", async () => {
  const env = { SELVAGE_ENDPOINT: "nowhere" };
  assert.match((await selvage(["call", "a.b"], { env })).err, /nowhere/);
  const over = await selvage(["call", "a.b", "--endpoint", "elsewhere"], { env });
  assert.match(over.err, /elsewhere/);
});

Deno.test("selvage takes 1 and 0 for a switch's variable, and nothing else for either", async () => {
  const call = ["call", "a.b", "--endpoint", "127.0.0.1:1"];
  const withOneWay = (value: string) => selvage(call, { env: { SELVAGE_ONE_WAY: value } });
  assert.equal((await withOneWay("0")).code, 6);
  assert.match((await withOneWay("1")).err, /--ca/);
  for (const value of ["", "false", "yes"]) {
    const { code, err } = await withOneWay(value);
    assert.equal(code, 2);
    assert.match(err, /SELVAGE_ONE_WAY is 1 or 0/);
  }
});
