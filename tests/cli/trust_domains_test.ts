import assert from "node:assert/strict";
import { join } from "node:path";
import { createAuthority } from "../../src/credentials/mod.ts";
import { selvage, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("--ca DOMAIN=FILE trusts a bundle for the SPIFFE IDs of one trust domain", async (t) => {
  const folder = await Deno.makeTempDir();
  const file = (name: string) => join(folder, name);
  const [x, y] = [createAuthority(), createAuthority()];
  const issue = async (authority: typeof x, name: string, spiffe: string) => {
    const { certPem, keyPem } = authority.issue({ name, spiffe });
    await Deno.writeTextFile(file(`${name}.pem`), certPem + keyPem);
    return ["--cert", file(`${name}.pem`), "--key", file(`${name}.pem`)];
  };
  await Deno.writeTextFile(file("x.pem"), x.certPem);
  await Deno.writeTextFile(file("y.pem"), y.certPem);
  const own = await issue(x, "worker", "spiffe://x/worker");
  await using worker = await startWorker([
    ...[MODULE, ...own, "--ca", file("x.pem"), "--ca", `y=${file("y.pem")}`],
    ...["--allow", "spiffe://x/**,spiffe://y/**"],
  ]);
  const called = ["call", "cli.add", "[1,2]", "--endpoint", worker.address];
  called.push("--identity", "spiffe://x/worker", "--ca", `x=${file("x.pem")}`);

  await t.step("a client of that domain is served, its permissions included", async () => {
    const line = [...called, ...await issue(y, "client", "spiffe://y/client")];
    const permissions = (await inProcess(["permissions", ...line])).out.trim().split(" ");
    const { code, out, err } = await selvage(line, { permissions });
    assert.deepEqual([code, out], [0, "3\n"], err);
  });
  await t.step("one that it vouches for in ours is refused", async () => {
    const { code, err } = await inProcess([
      ...called,
      ...await issue(y, "impostor", "spiffe://x/client"),
    ]);
    assert.equal(code, 4, err);
    assert.equal(JSON.parse(err).peerReason, "untrusted-authority");
  });
  await t.step(
    "a label that is no trust domain, and a domain given twice, are usage errors",
    async () => {
      for (const more of [["--ca", "X=f"], ["--ca", "x=f"]]) {
        const { code, err } = await inProcess([...called, ...own, ...more]);
        assert.equal(code, 2, err);
        assert.match(JSON.parse(err).message, /is not a trust domain|two bundles are given for x/);
      }
    },
  );
  await Deno.remove(folder, { recursive: true });
});
