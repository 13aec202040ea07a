import assert from "node:assert/strict";
import { join } from "node:path";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { askAdmin } from "../../src/cli/admin_client.ts";
import { selvage, start, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";
import { forge, general } from "../support/forge.ts";
import { issue } from "./pki.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("a worker's admin socket shows it to its own user, and rehearses a rotation", async (t) => {
  const pki = await issue();
  const path = join(await Deno.makeTempDir(), "run", "admin.sock");
  const serve = [MODULE, ...pki.flags("worker"), "--allow", "*", "--admin", path];
  await using worker = await startWorker(serve);
  const at = ["--endpoint", worker.address, ...pki.flags("client")];
  // A caller that stays connected.
  await using caller = start([
    ...["call", "cli.steps", "[600000]", "--stream"],
    ...[...at, "--identity", "spiffe://x/worker"],
  ]);
  assert.equal(await caller.first, '"begun"');

  await t.step("it is in a folder of mode 700, itself of mode 600", async () => {
    const mode = async (of: string) => (await Deno.stat(of)).mode! & 0o777;
    assert.equal(await mode(join(path, "..")), 0o700);
    assert.equal(await mode(path), 0o600);
  });

  await t.step("a snapshot names the peers, and when certificates end", async () => {
    const snapshot = await first(askAdmin(path, { ask: "snapshot" }));
    assert.equal(snapshot["id"], worker.ready["id"]);
    assert.deepEqual(snapshot["names"], ["spiffe://x/worker"]);
    assert.equal(snapshot["inFlight"], 1);
    assert.ok(Number(snapshot["certificateEnds"]) > Date.now());
    const [peer] = snapshot["peers"] as { identity: string; takesCalls: boolean }[];
    assert.equal(peer?.identity, "spiffe://x/client");
  });

  await t.step("events follow as they happen, behind a snapshot", async () => {
    const over = new AbortController();
    const lines = askAdmin(path, { ask: "events" }, over.signal);
    assert.equal((await lines.next()).value?.["type"], "snapshot");
    const stranger = await issue();
    const refused = await inProcess([
      ...["call", "cli.add", "[1]", "--endpoint", worker.address],
      ...["--ca", pki.file("ca.pem"), ...stranger.flags("client").slice(2)],
      ...["--identity", "spiffe://x/worker"],
    ]);
    assert.equal(refused.code, 4);
    for await (const { type, reason } of lines) {
      if (type !== "handshake.refused") continue;
      assert.equal(reason, "untrusted-authority");
      break;
    }
    over.abort();
    const { refusals } = await first(askAdmin(path, { ask: "snapshot" }));
    assert.deepEqual(Object.keys(refusals as object), ["untrusted-authority"]);
  });

  await t.step("rehearse --admin says who would be refused, and sends no key", async () => {
    const next = await Deno.makeTempFile();
    const authority = createAuthority();
    await Deno.writeTextFile(next, authority.certPem + authority.keyPem);
    const { code, out, err } = await selvage(["rehearse", "--ca", next, "--admin", path]);
    assert.equal(code, 4, err);
    assert.match(out, /^FAIL +\S+ +spiffe:\/\/x\/client +worker +untrusted-authority$/m);
    const same = ["rehearse", "--ca", pki.file("ca.pem"), "--cert", pki.file("worker.pem")];
    const kept = await inProcess([...same, "--admin", path, "--json"]);
    assert.equal(kept.code, 0, kept.err);
    const { ok, refused, peers } = JSON.parse(kept.out);
    assert.deepEqual([ok, refused, peers[0].outcome], [true, 0, "accepted"]);
    const own = await inProcess([
      ...["rehearse", "--ca", next, "--cert", pki.file("worker.pem"), "--admin", path, "--json"],
    ]);
    assert.match(JSON.parse(own.out).own.found, /authority|issuer|trust/);
    const issued = authority.issue({ name: "worker", spiffe: "spiffe://x/worker" });
    const chain = await Deno.makeTempFile();
    await Deno.writeTextFile(chain, issued.certPem);
    const rolled = await inProcess([
      ...["rehearse", "--ca", next, "--cert", chain, "--admin", path, "--json"],
    ]);
    assert.equal(JSON.parse(rolled.out).own, undefined, "each is of the new authority");
  });

  await t.step(
    "it judges a new certificate within the trust domain of that certificate",
    async () => {
      const both = await Deno.makeTempFile();
      // As SPIRE's roots are: it vouches for its own domain, which is ours, and so takes no other's place there.
      const spire = forge({ authority: true, names: [general.uri("spiffe://x")] });
      const ours = await Deno.readTextFile(pki.file("ca.pem"));
      await Deno.writeTextFile(both, ours + writePem("CERTIFICATE", spire.der));
      const rehearse = ["rehearse", "--ca", both, "--cert", pki.file("worker.pem")];
      const { code, out, err } = await inProcess([...rehearse, "--admin", path, "--json"]);
      assert.equal(code, 0, out + err);
      const { ok, own, peers } = JSON.parse(out);
      assert.deepEqual([ok, own, peers[0].outcome], [true, undefined, "accepted"]);
    },
  );

  await t.step("it takes neither a path nor a private key, and no other request", async () => {
    const ask = (request: object) => first(askAdmin(path, { ...request }));
    await assert.rejects(ask({ ask: "stop" }), /snapshot/);
    await assert.rejects(ask({ ask: "rehearse" }), /takes ca/);
    await assert.rejects(ask({ ask: "rehearse", ca: pki.file("ca.pem") }));
    const key = createAuthority().keyPem;
    await assert.rejects(ask({ ask: "rehearse", ca: key }), /no private key/);
  });

  await t.step("a ninth reader is refused, and its place is free once another leaves", async () => {
    const over = new AbortController();
    const readers = Array.from(
      { length: 8 },
      () => askAdmin(path, { ask: "events" }, over.signal),
    );
    for (const reader of readers) await reader.next();
    await assert.rejects(first(askAdmin(path, { ask: "snapshot" })), /8 readers/);
    over.abort();
    for (const reader of readers) await reader.return();
    // The worker learns of it when the connection ends.
    while (!await first(askAdmin(path, { ask: "snapshot" })).then(() => true, () => false));
  });

  await t.step("it goes with the worker", async () => {
    caller.kill("SIGKILL");
    worker.kill("SIGTERM");
    assert.equal((await worker.ended).code, 0);
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    assert.equal(
      (await inProcess(["rehearse", "--ca", pki.file("ca.pem"), "--admin", path])).code,
      2,
    );
  });
});

Deno.test("a worker does not start with an admin socket in a folder that others may enter", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o755);
  const { code, err } = await selvage(["worker", MODULE, "--admin", join(folder, "admin.sock")]);
  assert.equal(code, 2);
  assert.match(err, /others may enter[^]*mode 700/);
});

Deno.test("a worker whose admin socket is another's says so of the admin socket", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "admin.sock");
  using _other = Deno.listen({ transport: "unix", path });
  const { code, err } = await selvage(["worker", MODULE, "--admin", path]);
  assert.equal(code, 2);
  const { setting, message } = JSON.parse(err.trimEnd().split("\n").at(-1)!);
  assert.equal(setting, "admin");
  assert.equal(message, `cannot listen on unix:${path}: another process listens there`);
});

Deno.test("rehearse --discover makes a handshake with every worker under new certificates", async () => {
  const [today, next] = [await issue(), await issue()];
  await using worker = await startWorker([MODULE, ...today.flags("worker"), "--allow", "*"]);
  const rehearse = (flags: string[]) =>
    inProcess([
      ...["rehearse", "--discover", `static:${worker.address}`, "--json"],
      ...[...flags, "--identity", "spiffe://x/worker"],
    ]);
  const kept = await rehearse(today.flags("stranger"));
  assert.equal(kept.code, 0, kept.out + kept.err);
  const lost = await rehearse(next.flags("client"));
  assert.equal(lost.code, 4, lost.err);
  const [peer] = JSON.parse(lost.out).peers;
  assert.deepEqual([peer.refusedBy, peer.reason], ["dispatcher", "untrusted-authority"]);
  const ours = await rehearse(["--ca", today.file("ca.pem"), ...next.flags("client").slice(2)]);
  assert.equal(ours.code, 4, ours.err);
  const [refused] = JSON.parse(ours.out).peers;
  assert.deepEqual(
    [refused.refusedBy, refused.reason, refused.peerReason],
    ["worker", "client-certificate-refused", "untrusted-authority"],
  );
  // With a key that is not the certificate's no worker starts: both end with 2.
  const wrong = await rehearse(today.flags("client").with(5, today.file("stranger.key")));
  assert.deepEqual([wrong.code, JSON.parse(wrong.out).own.rule], [2, "own.key-mismatch"]);
  assert.equal((await inProcess(["rehearse", "--ca", "x"])).code, 2);
});

Deno.test("rehearse --admin of a bundle beside the certificate in use, which has ended, says what would be adopted", async () => {
  const [today, next] = [await issue(), await issue()];
  const path = join(await Deno.makeTempDir(), "admin.sock");
  const root = forge({ subject: "root", authority: true });
  const [notBefore, notAfter] = [Date.now() - 7_200_000, Date.now() - 3_600_000];
  const names = [general.uri("spiffe://x/worker")];
  const { der, keys } = forge({ issuer: root, names, notBefore, notAfter });
  const files = { ca: writePem("CERTIFICATE", root.der), cert: writePem("CERTIFICATE", der) };
  const [ca, cert] = [today.file("root.pem"), today.file("ended.pem")];
  await Deno.writeTextFile(ca, files.ca + await Deno.readTextFile(next.file("ca.pem")));
  await Deno.writeTextFile(cert, files.cert);
  const key = String(keys.privateKey.export({ type: "pkcs8", format: "pem" }));
  await using _worker = await WorkerServer.start({
    routines: {},
    credentials: Credentials.fromPem({ ...files, key }),
    allow: "*",
    admin: path,
  });
  const kept = await inProcess(["rehearse", "--ca", ca, "--cert", cert, "--admin", path]);
  assert.equal(kept.code, 0, kept.out + kept.err);
  assert.match(kept.out, /^our own certificate: .* expired at .* 1h ago; renew it/m);
  assert.match(kept.out, /^it is the one in use: the change would be adopted/m);
});

async function first<Value>(values: AsyncIterable<Value>): Promise<Value> {
  for await (const value of values) return value;
  throw new Error("there was no answer");
}
