import assert from "node:assert/strict";
import { ConfigurationError } from "../../errors/mod.ts";
import { makeCertificate, type TestCertificate } from "../../../tests/support/certificates.ts";
import { MovedClock } from "../../../tests/support/manual_clock.ts";
import { authorities, shapes, Watched } from "../../../tests/support/watched_credentials.ts";
import { Credentials, ownCertificateFault } from "../mod.ts";

const HOUR_MS = 3_600_000;

Deno.test("watchFiles takes key and chain from one bundle, as Kubernetes writes it, in both spellings", async () => {
  const [first, next] = [shapes["fine-under-intermediate"](), shapes["fine-under-intermediate"]()];
  const text = (leaf: TestCertificate) => leaf.keyPem + leaf.chainPem;
  for (const both of [false, true]) {
    await using watched = await Watched.folder();
    await watched.write("ca.pem", authorities.root.pem);
    await watched.write("bundle.pem", text(first));
    const bundle = watched.path("bundle.pem");
    await watched.openFrom(both ? { cert: bundle, key: bundle } : { bundle });
    assert.equal(watched.source.current().own?.chain.length, 2);
    await watched.write("bundle.next", text(next));
    await Deno.rename(watched.path("bundle.next"), bundle);
    await watched.uses(next);
    assert.deepEqual(watched.observer.of("credentials.rejected"), []);
  }
});

Deno.test("watchFiles waits at the start for a folder that appears later", async () => {
  await using watched = await Watched.folder();
  const leaf = shapes.fine();
  const opening = watched.open({ below: "late/tls", pollMs: 60_000, waitMs: 60_000 });
  await watched.observer.until("credentials.rejected");
  await Deno.mkdir(watched.path("late"));
  await Deno.mkdir(watched.path("late/tls"));
  await watched.writeAll(leaf, "late/tls");
  const source = await opening;
  assert.equal(source.current().own?.keyPem, leaf.keyPem);
  assert.match(watched.observer.of("credentials.rejected")[0]?.message ?? "", /does not exist/);
});

for (const name of ["ca.pem", "tls.crt"] as const) {
  Deno.test(`watchFiles takes ${name} where it alone changes`, async () => {
    await using watched = await Watched.folder();
    const leaf = shapes["fine-under-intermediate"]();
    await watched.writeAll(leaf);
    await watched.open();
    const changed = {
      "ca.pem": authorities.root.pem + authorities.foreign.pem,
      "tls.crt": leaf.chainPem + authorities.root.pem,
    };
    await watched.write(name, changed[name]);
    await watched.observer.until("credentials.rotated");
    const material = watched.source.current();
    assert.deepEqual(
      [material.anchors?.all.length, material.own?.chain.length],
      { "ca.pem": [2, 2], "tls.crt": [1, 3] }[name],
    );
  });
}

Deno.test("watchFiles keeps the chain in use where the next one lacks its intermediate", async () => {
  const leaf = shapes["fine-under-intermediate"]();
  await using watched = await Watched.with(leaf);
  await watched.write("tls.crt", leaf.pem);
  await watched.observer.until("credentials.rejected");
  const { reason, message } = watched.observer.of("credentials.rejected")[0]!;
  assert.equal(reason, "unsuitable");
  assert.match(message, /leads to none of our own authorities/);
  assert.equal(watched.source.current().generation, 1);
});

Deno.test("watchFiles reports bad files with the reason, keeps the last good and takes the next", async () => {
  const first = shapes.fine();
  await using watched = await Watched.with(first);
  const bad: [string, string, string][] = [
    ["tls.crt", shapes.fine().pem, "key-mismatch"],
    ["tls.crt", "nonsense", "malformed"],
    ["tls.crt", "", "incomplete"],
    ["ca.pem", "", "incomplete"],
    ["ca.pem", `${authorities.root.pem}-----BEGIN CERTIFICATE-----\nAAAA\n`, "malformed"],
  ];
  for (const [index, [name, text, reason]] of bad.entries()) {
    await watched.write(name, text);
    const rejected = await watched.observer.until("credentials.rejected", index + 1);
    assert.equal(rejected.at(-1)?.reason, reason);
    assert.equal(rejected.at(-1)?.keptGeneration, 1);
    await watched.writeAll(first);
  }
  // Of the same key, so that no other fault is there while the files are written one by one.
  const { key } = first;
  const dated = ["expired", "not-yet-valid", "unsuitable"] as const;
  for (const [index, reason] of dated.entries()) {
    const leaf = makeCertificate({
      key,
      issuer: authorities.root,
      ...(reason === "unsuitable" ? { keyUsages: ["keyEncipherment"] } : {}),
      ...(reason === "expired" ? { notAfter: Date.now() - 60_000 } : {}),
      ...(reason === "not-yet-valid" ? { notBefore: Date.now() + 60_000 } : {}),
    });
    await watched.writeAll(leaf);
    const rejected = await watched.observer.until("credentials.rejected", bad.length + index + 1);
    assert.equal(rejected.at(-1)?.reason, reason);
  }
  assert.equal(watched.source.current().generation, 1);
  const next = shapes.fine();
  await watched.writeAll(next);
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
});

Deno.test("watchFiles takes a certificate that was too early once its time has come", async () => {
  await using watched = await Watched.folder();
  const first = shapes.fine();
  await watched.writeAll(first);
  const clock = new MovedClock();
  await watched.open({ pollMs: 50, clock });
  const notBefore = Date.now() + HOUR_MS;
  const early = makeCertificate({ issuer: authorities.root, key: first.key, notBefore });
  await watched.write("tls.crt", early.chainPem);
  const [rejected] = await watched.observer.until("credentials.rejected");
  assert.equal(rejected?.reason, "not-yet-valid");
  clock.advance(HOUR_MS);
  await watched.observer.until("credentials.rotated");
  assert.equal(watched.source.current().own?.certPem.trim(), early.chainPem.trim());
});

Deno.test("watchFiles looks for changes where it cannot watch", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  const { watchFs } = Deno;
  Deno.watchFs = () => {
    throw new Error("no more watches");
  };
  // Polling does not keep the process alive, as a worker's listener does.
  const alive = setInterval(() => {}, 60_000);
  try {
    await watched.open({ pollMs: 20 });
    const next = shapes.fine();
    await watched.writeAll(next);
    await watched.uses(next);
  } finally {
    clearInterval(alive);
    Deno.watchFs = watchFs;
  }
});

Deno.test("watchFiles opens with an own certificate that cannot be used, and takes its successor", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.expired());
  const source = await watched.open();
  assert.equal(ownCertificateFault(source.current(), Date.now())?.rule, "own.expired");
  const next = shapes.fine();
  await watched.writeAll(next);
  await watched.uses(next);
  assert.equal(ownCertificateFault(source.current(), Date.now()), undefined);
});

Deno.test("watchFiles fails to open where files stay missing or bad, and says which", async () => {
  await using watched = await Watched.folder();
  const failure = async (waitMs: number) => {
    const error = await watched.open({ waitMs }).then(() => undefined, (thrown) => thrown);
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.message;
  };
  assert.match(await failure(0), /^ca: .*ca\.pem does not exist$/);
  await watched.writeAll(shapes.fine());
  await watched.write("ca.pem", "nonsense");
  assert.match(await failure(60_000), /^ca: [^ ]+: the bundle: /);
});

Deno.test("watchFiles stops waiting when its signal aborts", async () => {
  await using watched = await Watched.folder();
  const abort = new AbortController();
  const opening = Credentials.watchFiles({ ca: watched.path("ca.pem"), oneWay: true })
    .open({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(opening, /enough/);
});
