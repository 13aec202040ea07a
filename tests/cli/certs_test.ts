import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { selvage } from "./command.ts";
import { inProcess } from "./in_process.ts";

Deno.test("certs init and issue write an authority, and a certificate that it vouches for", async () => {
  const folder = await Deno.makeTempDir();
  assert.equal((await selvage(["certs", "init", folder])).code, 0);
  const args = ["--dns", "a.internal", "--dns", "b.internal", "--spiffe", "spiffe://x/w"];
  const issued = await selvage(["certs", "issue", folder, "worker", ...args, "--ttl", "2h"]);
  assert.equal(issued.code, 0, issued.err);
  const read = (name: string) => new X509Certificate(Deno.readTextFileSync(join(folder, name)));
  const certificate = read("worker.pem");
  assert.deepEqual(JSON.parse(issued.out), {
    certificate: join(folder, "worker.pem"),
    key: join(folder, "worker.key"),
    validUntil: new Date(certificate.validTo).toISOString(),
  });
  assert.ok(certificate.verify(read("ca.pem").publicKey));
  assert.equal(
    certificate.subjectAltName,
    "URI:spiffe://x/w, DNS:a.internal, DNS:b.internal",
  );
  const hoursLeft = (Date.parse(certificate.validTo) - Date.now()) / 3_600_000;
  assert.ok(hoursLeft > 1.9 && hoursLeft <= 2, String(hoursLeft));
  for (const key of ["ca.key", "worker.key"]) {
    assert.equal(Deno.statSync(join(folder, key)).mode! & 0o777, 0o600);
  }
});

Deno.test("certs init never overwrites an authority", async () => {
  const folder = await Deno.makeTempDir();
  await inProcess(["certs", "init", folder]);
  const before = Deno.readTextFileSync(join(folder, "ca.pem"));
  const again = await inProcess(["certs", "init", folder]);
  assert.equal(again.code, 2);
  assert.match(again.err, /exists already.*never overwritten/);
  assert.equal(Deno.readTextFileSync(join(folder, "ca.pem")), before);
});

Deno.test("certs issue says until when, and where that is sooner than asked as the authority ends", async () => {
  const folder = await Deno.makeTempDir();
  const made = await inProcess(["certs", "init", folder, "--ttl", "1h"]);
  const { validUntil } = JSON.parse(made.out);
  const issue = async (name: string, ttl: string) =>
    JSON.parse((await inProcess(["certs", "issue", folder, name, "--ttl", ttl])).out);
  const long = await issue("web", "8h");
  assert.deepEqual([long.validUntil, long.limitedByAuthority], [validUntil, true]);
  const brief = await issue("brief", "10m");
  assert.ok(brief.validUntil < validUntil);
  assert.equal(brief.limitedByAuthority, undefined);
});

Deno.test("certs issue replaces files only with --force, and then the certificate and its key together", async () => {
  const folder = await Deno.makeTempDir();
  await selvage(["certs", "init", folder]);
  const issue = (...flags: string[]) => selvage(["certs", "issue", folder, "worker", ...flags]);
  const read = () =>
    ["worker.pem", "worker.key"].map((name) => Deno.readTextFileSync(join(folder, name)));
  assert.equal((await issue()).code, 0);
  const before = read();
  const again = await issue();
  assert.equal(again.code, 2);
  assert.match(
    JSON.parse(again.err).message,
    /worker\.key exists already, and --force replaces it/,
  );
  assert.deepEqual(read(), before);
  // One of the two is enough, and the other is not left behind.
  await Deno.remove(join(folder, "worker.key"));
  assert.match((await issue()).err, /worker\.pem exists already/);
  await assert.rejects(Deno.stat(join(folder, "worker.key")), Deno.errors.NotFound);

  assert.equal((await issue("--force")).code, 0);
  const [certificate, key] = read();
  assert.notEqual(certificate, before[0]);
  assert.ok(new X509Certificate(certificate!).checkPrivateKey(createPrivateKey(key!)));
});

Deno.test("certs issue names the command that makes the authority it misses", async () => {
  const { code, err } = await inProcess(["certs", "issue", await Deno.makeTempDir(), "worker"]);
  assert.equal(code, 2);
  assert.match(err, /selvage certs init/);
});

Deno.test("certs issue refuses a name that leads out of the folder", async () => {
  const folder = await Deno.makeTempDir();
  await inProcess(["certs", "init", folder]);
  for (const name of ["../worker", "ca", ".hidden"]) {
    assert.equal((await inProcess(["certs", "issue", folder, name])).code, 2, name);
  }
});
