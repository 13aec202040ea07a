import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createAuthority, Credentials } from "../src/credentials/mod.ts";
import { Dispatcher } from "../src/dispatch/mod.ts";
import { TestProcess } from "../tests/support/test_process.ts";
import { add } from "./math.ts";

Deno.test("examples/worker.ts serves until SIGTERM, and drains", async () => {
  const cwd = await Deno.makeTempDir();
  const authority = createAuthority();
  const { certPem, keyPem } = authority.issue({
    name: "worker",
    spiffe: "spiffe://example.org/worker",
  });
  await Deno.mkdir(`${cwd}/pki`);
  for (const [name, text] of [["ca.pem", authority.certPem], ["worker.pem", certPem]] as const) {
    await Deno.writeTextFile(`${cwd}/pki/${name}`, text);
  }
  await Deno.writeTextFile(`${cwd}/pki/worker.key`, keyPem);
  const url = Promise.withResolvers<string>();
  const errors: string[] = [];
  await using program = new TestProcess(Deno.execPath(), {
    args: [
      ...["run", "-A", `--config=${fileURLToPath(new URL("../deno.json", import.meta.url))}`],
      ...[fileURLToPath(new URL("./worker.ts", import.meta.url)), "127.0.0.1:0"],
    ],
    cwd,
    onLine: url.resolve,
    onErrorLine: (line) => errors.push(line),
  });
  program.ended.then(() => url.reject(new Error(errors.join("\n"))));
  const { host } = new URL(await url.promise);
  const client = authority.issue({ name: "client", spiffe: "spiffe://example.org/client/a" });
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${host}`,
    credentials: Credentials.fromPem({
      ca: authority.certPem,
      cert: client.certPem,
      key: client.keyPem,
    }),
    identity: "spiffe://example.org/worker",
  });
  assert.equal(await dispatcher.call(add, [1, 2]), 3);
  program.kill("SIGTERM");
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  await Deno.remove(cwd, { recursive: true });
});
