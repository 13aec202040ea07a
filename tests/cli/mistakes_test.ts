import assert from "node:assert/strict";
import { selvage, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";
import { issue } from "./pki.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;
const CALL = ["call", "cli.add", "[1,2]", "--endpoint", "127.0.0.1:1"];

Deno.test("a call with a wrong file names the file, and says what it holds", async () => {
  const pki = await issue();
  const text = pki.file("notes.txt");
  await Deno.writeTextFile(text, "nothing of the kind\n");
  const torn = pki.file("torn.pem");
  await Deno.writeTextFile(torn, (await Deno.readTextFile(pki.file("ca.pem"))).slice(0, 200));
  const flags = pki.flags("client");
  const [certificate, key] = [pki.file("client.pem"), pki.file("client.key")];
  const wrong: [flags: string[], message: string][] = [
    [flags.with(1, text), `ca: ${text}: the bundle: it holds no PEM block`],
    [
      flags.with(1, torn),
      `ca: ${torn}: the bundle: a PEM block is torn or holds foreign characters`,
    ],
    [flags.with(3, text), `cert: ${text}: it holds no PEM block`],
    [flags.with(3, key), `cert: ${key}: it holds a private key and no certificate`],
    [flags.with(5, certificate), `key: ${certificate}: it holds a certificate and no private key`],
    [flags.with(1, pki.file("")), `ca: ${pki.file("")} is not a file`],
  ];
  for (const [given, message] of wrong) {
    const { code, out, err } = await inProcess([...CALL, ...given]);
    assert.equal(code, 2, err);
    assert.equal(JSON.parse(err).message, message);
    assert.equal(out, "");
  }
});

Deno.test("a file that cannot be used is named with its flag or setting, whatever reads it", async () => {
  const pki = await issue();
  const text = pki.file("notes.txt");
  await Deno.writeTextFile(text, "nothing of the kind\n");
  const gone = pki.file("gone");
  const worker = ["worker", MODULE, "--allow", "*", "--log-level", "fatal"];
  const mutual = pki.flags("worker");
  const mixed = mutual.with(5, pki.file("client.key"));
  const [cert, key] = [mutual[3], mixed[5]];
  const wrong: [args: string[], setting: string, message: RegExp | string][] = [
    [
      [...worker, ...mixed],
      "key",
      `key: ${key}: the private key is not the certificate's, ${cert}`,
    ],
    [
      [...worker, ...mutual, "--policy", text],
      "policy",
      `policy: ${text}: line 1, column 1 is not JSON: invalid symbol`,
    ],
    [
      [...worker, ...mutual, "--denylist", text],
      "denylist",
      `denylist: ${text}: the denylist is not JSON`,
    ],
    [[...worker, ...mutual, "--publish", "none:x"], "publish", /^publish: "none:x" is not a /],
    [
      ["policy", "check", text, "a.b", "--as", "anonymous"],
      "policy",
      /^policy: .*notes\.txt: line 1, column 1 /,
    ],
    [
      [...CALL, "--config", gone],
      "--config",
      `--config: ${gone} does not exist; name a file of settings, or leave it out`,
    ],
    [
      [...CALL, "--config", pki.file("")],
      "--config",
      `--config: ${pki.file("")} is a folder, not a file`,
    ],
    [["rehearse", "--ca", gone, "--admin", "x"], "--ca", /^--ca: .*gone does not exist; /],
  ];
  for (const [args, setting, message] of wrong) {
    const { code, out, err } = await (args[0] === "worker" ? selvage(args) : inProcess(args));
    const failure = JSON.parse(err);
    assert.deepEqual({ code, out, setting: failure.setting }, { code: 2, out: "", setting }, err);
    if (typeof message === "string") assert.equal(failure.message, message);
    else assert.match(failure.message, message);
  }
});

Deno.test("a call names the files of a certificate and a key that are not of each other", async () => {
  const pki = await issue();
  const files = pki.flags("client").with(5, pki.file("worker.key"));
  const { code, err } = await inProcess([...CALL, ...files]);
  assert.equal(code, 4, err);
  const { reason, evidence } = JSON.parse(err);
  assert.equal(reason, "own-certificate-invalid");
  assert.deepEqual(evidence.ownFiles, [files[3], files[5]]);
});

Deno.test("a call without Deno's permissions says which one it lacks", async (t) => {
  const pki = await issue();
  const run = async (permissions: string[]) => {
    const { code, err } = await selvage([...CALL, ...pki.flags("client")], {
      permissions: ["--no-prompt", "--allow-env", ...permissions],
    });
    return { code, message: JSON.parse(err).message };
  };
  await t.step("to read a file", async () => {
    const { code, message } = await run(["--allow-net", `--allow-read=${pki.file("ca.pem")}`]);
    assert.equal(code, 2, message);
    assert.match(message, /client\.pem cannot be read: .*--allow-read/);
  });
  await t.step("to connect", async () => {
    const { code, message } = await run(["--allow-read"]);
    assert.equal(code, 6, message);
    assert.match(message, /127\.0\.0\.1:1 cannot be reached: .*net access/);
  });
});

Deno.test("a call to a worker that is down says that nothing listens there", async () => {
  const { code, err } = await selvage(CALL);
  assert.equal(code, 6, err);
  assert.match(JSON.parse(err).message, /cannot be reached: ECONNREFUSED, nothing listens there/);
});

Deno.test("a call without --identity, or with an authority made anew, says what it expected", async () => {
  const pki = await issue();
  await using worker = await startWorker([MODULE, ...pki.flags("worker"), "--allow", "*"]);
  const call = ["call", "cli.add", "[1,2]", "--endpoint", worker.address];
  const { code, err } = await inProcess([...call, ...pki.flags("client")]);
  assert.equal(code, 4, err);
  assert.match(
    JSON.parse(err).message,
    /presents spiffe:\/\/x\/worker; expected 127\.0\.0\.1; .*--identity/,
  );
  const another = (await issue()).file("ca.pem");
  const flags = [...pki.flags("client").with(1, another), "--identity", "spiffe://x/worker"];
  const untrusted = await inProcess([...call, ...flags]);
  assert.equal(untrusted.code, 4, untrusted.err);
  assert.match(JSON.parse(untrusted.err).message, /untrusted-authority; .* if it was made anew/);
});

Deno.test("a worker without Deno's permission to listen says which one it lacks", async (t) => {
  const folder = await Deno.makeTempDir();
  const cases: [listen: string, lacks: RegExp][] = [
    ["127.0.0.1:0", /^cannot listen on 127\.0\.0\.1:0: .*\(--allow-net=127\.0\.0\.1:0\)$/],
    ["[::1]:0", /^cannot listen on \[::1\]:0: .*\(--allow-net=\[::1\]:0\)$/],
    ["localhost:0", /^cannot listen on localhost:0: .*\(--allow-net without a value/],
    [`unix:${folder}/worker.sock`, /^cannot listen on unix:.*--allow-net/],
  ];
  for (const [listen, lacks] of cases) {
    await t.step(listen.split(folder).join(""), async () => {
      const { code, err } = await selvage(["worker", MODULE, "--listen", listen], {
        permissions: ["--no-prompt", "--allow-env", "--allow-read", "--allow-write", "--allow-sys"],
      });
      assert.equal(code, 2, err);
      const { setting, message } = JSON.parse(err.trimEnd().split("\n").at(-1)!);
      assert.equal(setting, "listen");
      assert.match(message, lacks);
    });
  }
  await Deno.remove(folder, { recursive: true });
});
