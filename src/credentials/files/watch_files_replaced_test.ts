import assert from "node:assert/strict";
import { makeCertificate, type TestCertificate } from "../../../tests/support/certificates.ts";
import {
  authorities,
  DEBOUNCE_MS,
  pause,
  shapes,
  standing,
  Watched,
} from "../../../tests/support/watched_credentials.ts";
import { Credentials } from "../mod.ts";

Deno.test("watchFiles takes files that are replaced by renaming others over them", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  await watched.open({ clock: standing() });
  const next = shapes.fine();
  for (const [name, text] of [["tls.crt", next.chainPem], ["tls.key", next.keyPem]] as const) {
    await watched.write(`${name}.new`, text);
    await Deno.rename(watched.path(`${name}.new`), watched.path(name));
  }
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles waits for the second half of a file that is rewritten in place", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  const half = Math.floor(next.chainPem.length / 2);
  await watched.write("tls.crt", next.chainPem.slice(0, half));
  await pause(DEBOUNCE_MS * 5);
  assert.equal(watched.source.current().generation, 1);
  const file = await Deno.open(watched.path("tls.crt"), { append: true });
  await file.write(new TextEncoder().encode(next.chainPem.slice(half)));
  file.close();
  await watched.write("tls.key", next.keyPem);
  await watched.uses(next);
});

Deno.test("watchFiles waits for the second half of a partner's bundle, also while our certificate has expired", async () => {
  await using watched = await Watched.folder();
  const { root, foreign } = authorities;
  await watched.writeAll(shapes.expired());
  await watched.write("partner.pem", foreign.pem);
  const watching = Credentials.watchFiles({
    ca: { "": watched.path("ca.pem"), "partner.org": watched.path("partner.pem") },
    cert: watched.path("tls.crt"),
    key: watched.path("tls.key"),
    debounceMs: DEBOUNCE_MS,
  });
  const { observer } = watched;
  await using source = await watching.open({ observer, clock: standing() });
  const text = foreign.pem + root.pem;
  await watched.write("partner.pem", text.slice(0, -100));
  await watched.write("ca.pem", root.pem + foreign.pem);
  await pause(DEBOUNCE_MS * 5);
  assert.equal(source.current().generation, 1);
  await watched.write("partner.pem", text);
  await observer.until("credentials.rotated");
  assert.equal(source.current().pem().domains?.get("partner.org"), text);
  const reasons = observer.of("credentials.rejected").map(({ reason }) => reason);
  assert.deepEqual(reasons, ["expired"]);
});

Deno.test("watchFiles follows the symbolic link that Kubernetes swaps", async () => {
  await using watched = await Watched.folder();
  const [first, next, third] = [shapes.fine(), shapes.fine(), shapes.fine()];
  await Deno.mkdir(watched.path("..2030_01"));
  await watched.writeAll(first, "..2030_01");
  await Deno.symlink("..2030_01", watched.path("..data"));
  for (const name of ["ca.pem", "tls.crt", "tls.key"]) {
    await Deno.symlink(`..data/${name}`, watched.path(name));
  }
  await watched.open();
  const swap = async (from: string, to: string, leaf: TestCertificate) => {
    await Deno.mkdir(watched.path(to));
    await watched.writeAll(leaf, to);
    await Deno.symlink(to, watched.path("..data_tmp"));
    await Deno.rename(watched.path("..data_tmp"), watched.path("..data"));
    await Deno.remove(watched.path(from), { recursive: true });
    await watched.uses(leaf);
  };
  await swap("..2030_01", "..2030_02", next);
  await swap("..2030_02", "..2030_03", third);
  assert.equal(watched.source.current().generation, 3);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles follows a symbolic link in the middle of the path", async () => {
  await using watched = await Watched.folder();
  const [first, next] = [shapes.fine(), shapes.fine()];
  for (const [version, leaf] of [["v1", first], ["v2", next]] as const) {
    await Deno.mkdir(watched.path(version));
    await watched.writeAll(leaf, version);
  }
  await Deno.symlink(watched.path("v1"), watched.path("current"));
  await watched.open({ below: "current" });
  await Deno.symlink("v2", watched.path("swap"));
  await Deno.rename(watched.path("swap"), watched.path("current"));
  await watched.uses(next);
});

Deno.test("watchFiles waits for the certificate when the key comes first", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  await watched.open({ clock: standing() });
  const next = shapes.fine();
  await watched.write("tls.key", next.keyPem);
  await pause(DEBOUNCE_MS * 5);
  assert.equal(watched.source.current().generation, 1);
  await watched.write("tls.crt", next.chainPem);
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles waits for the bundle of a new authority when its certificate comes first", async () => {
  await using watched = await Watched.folder();
  await watched.writeAll(shapes.fine());
  await watched.open({ clock: standing() });
  const root = makeCertificate({ name: "next root", authority: true });
  const next = makeCertificate({ names: [{ dns: "worker.internal" }], issuer: root });
  await watched.write("tls.key", next.keyPem);
  await watched.write("tls.crt", next.chainPem);
  await pause(DEBOUNCE_MS * 5);
  assert.equal(watched.source.current().generation, 1);
  await watched.write("ca.pem", root.pem);
  await watched.uses(next);
  assert.equal(watched.source.current().generation, 2);
  assert.deepEqual(watched.observer.of("credentials.rejected"), []);
});

Deno.test("watchFiles takes files that are deleted and made again", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  for (const name of ["ca.pem", "tls.crt", "tls.key"]) await Deno.remove(watched.path(name));
  await pause(DEBOUNCE_MS * 5);
  await watched.writeAll(next);
  await watched.uses(next);
});

Deno.test("watchFiles takes a folder that is deleted and made again", async () => {
  await using watched = await Watched.folder();
  const [first, next, third] = [shapes.fine(), shapes.fine(), shapes.fine()];
  await Deno.mkdir(watched.path("tls"));
  await watched.writeAll(first, "tls");
  await watched.open({ below: "tls" });
  for (const leaf of [next, third]) {
    await Deno.remove(watched.path("tls"), { recursive: true });
    await Deno.mkdir(watched.path("tls"));
    await watched.writeAll(leaf, "tls");
    await watched.uses(leaf);
  }
});

Deno.test("watchFiles is not held up by a neighbour that keeps changing", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  let busy = true;
  const churn = (async () => {
    while (busy) {
      await watched.write("neighbour", String(Math.random()));
      await pause(1);
    }
  })();
  await watched.writeAll(next);
  await watched.uses(next);
  busy = false;
  await churn;
});

Deno.test("watchFiles reads files that keep changing all the same", async () => {
  await using watched = await Watched.with(shapes.fine());
  const next = shapes.fine();
  await watched.writeAll(next);
  let busy = true;
  const churn = (async () => {
    while (busy) {
      await Deno.utime(watched.path("tls.crt"), new Date(), new Date());
      await pause(1);
    }
  })();
  await watched.uses(next);
  busy = false;
  await churn;
});
