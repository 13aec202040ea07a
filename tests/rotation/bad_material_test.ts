import assert from "node:assert/strict";
import type { CredentialsFault } from "../../src/observe/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import { Load } from "./load.ts";
import { echo } from "./routines.ts";
import { Folders } from "./stage.ts";
import { Emitted } from "./emitted.ts";
import {
  ALLOWED,
  CLIENT_ID,
  makeRoot,
  makeVersion,
  pemOf,
  type Version,
  WORKER_ID,
} from "./versions.ts";
import { link, pathsIn, renamed, swapped } from "./ways.ts";
import { WorkerProcess } from "./worker_process.ts";

const MINUTE_MS = 60_000;
const root = makeRoot("root");
const client = makeVersion(CLIENT_ID, [root]);

/** What is wrong with a version, and what is written. */
const bad:
  readonly (readonly [what: string, CredentialsFault, (good: Version) => Partial<Version>])[] = [
    ["torn", "malformed", ({ cert }) => ({ cert: cert.slice(0, cert.length / 2) })],
    ["mismatched", "key-mismatch", ({ certificate }) => ({
      cert: makeVersion(WORKER_ID, [root]).cert,
      key: certificate.keyPem,
    })],
    ["with an empty bundle", "incomplete", () => ({ ca: "" })],
    ["with a bundle that holds no certificate", "malformed", () => ({ ca: "nobody\n" })],
    ["with one bad block in the bundle", "malformed", ({ ca }) => ({
      ca: `${ca}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    })],
    ["expired", "expired", () => dated(-2 * MINUTE_MS, -MINUTE_MS)],
    ["not valid yet", "not-yet-valid", () => dated(MINUTE_MS, 2 * MINUTE_MS)],
    [
      "for no TLS at all",
      "unsuitable",
      () => makeVersion(WORKER_ID, [root], { keyUsages: ["keyEncipherment"] }),
    ],
    [
      "for clients only",
      "unsuitable",
      () => makeVersion(WORKER_ID, [root], { usages: ["client"] }),
    ],
  ];

function dated(fromMs: number, toMs: number): Version {
  const now = Date.now();
  return makeVersion(WORKER_ID, [root], { notBefore: now + fromMs, notAfter: now + toMs });
}

Deno.test("bad material is rejected with its reason, the last good serves on, and the next good is adopted", async (t) => {
  await using folders = await Folders.make();
  let good = makeVersion(WORKER_ID, [root]);
  await swapped.lay(folders.worker, good);
  await using worker = watching(folders);
  const address = await worker.address;
  await using dispatcher = await open(address);
  const load = await Load.begin(dispatcher);
  let generation = 1;
  let rejections = 0;

  const rejected = async (reason: CredentialsFault) => {
    const event = await worker.emitted.nth("credentials.rejected", ++rejections);
    assert.deepEqual(
      [event.reason, event.keptGeneration, event.keptCertificate?.fingerprint, event.keptExpired],
      [reason, generation, good.fingerprint, false],
    );
    await load.goesOn();
    // New connections are served with the last good.
    await using another = await open(address);
    assert.equal(await another.call(echo, [7]), 7);
  };
  const adopted = async () => {
    good = makeVersion(WORKER_ID, [root]);
    await swapped.rewrite(folders.worker, good);
    generation += 1;
    const event = await worker.emitted.nth("credentials.rotated", generation - 1);
    assert.deepEqual([event.generation, event.certificate?.fingerprint], [
      generation,
      good.fingerprint,
    ]);
    await load.goesOn();
  };

  for (const [what, reason, spoil] of bad) {
    await t.step(what, async () => {
      await swapped.rewrite(folders.worker, { ...good, ...spoil(good) });
      await rejected(reason);
      await adopted();
    });
  }
  await t.step("unreadable", async () => {
    const { cert } = pathsIn(folders.worker);
    await Deno.remove(cert);
    await Deno.mkdir(cert);
    await rejected("unreadable");
    await Deno.remove(cert);
    await link(folders.worker, "cert");
    await adopted();
  });
  await t.step("gone", async () => {
    await Deno.remove(pathsIn(folders.worker).key);
    await rejected("unreadable");
    await link(folders.worker, "key");
    await adopted();
  });
  await load.end();
});

Deno.test("a dispatcher rejects a certificate for servers only, and calls on with the last good", async () => {
  await using folders = await Folders.make();
  await renamed.lay(folders.worker, makeVersion(WORKER_ID, [root]));
  await swapped.lay(folders.client, client);
  await using worker = watching(folders);
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${await worker.address}`,
    credentials: Credentials.watchFiles(pathsIn(folders.client)),
    identity: WORKER_ID,
  });
  const emitted = new Emitted(dispatcher.events());
  assert.equal(await dispatcher.call(echo, [1]), 1);
  await swapped.rewrite(folders.client, makeVersion(CLIENT_ID, [root], { usages: ["server"] }));
  const { reason, keptCertificate } = await emitted.until("credentials.rejected");
  assert.deepEqual([reason, keptCertificate?.fingerprint], ["unsuitable", client.fingerprint]);
  assert.equal(await dispatcher.call(echo, [2]), 2);
});

Deno.test("a worker whose last good certificate expires says so, keeps trying, and serves again with the next", async () => {
  await using folders = await Folders.make();
  await swapped.lay(folders.worker, makeVersion(WORKER_ID, [root]));
  await using worker = watching(folders);
  const address = await worker.address;
  // On a busy machine a certificate may expire before it was used; the next one is valid for longer.
  let used: Dispatcher | undefined;
  for (let lifeMs = 5_000; used === undefined; lifeMs *= 2) {
    used = await usedInTime(folders, worker, address, lifeMs);
  }
  await using dispatcher = used;
  const rejections = worker.emitted.of("credentials.rejected").length;
  const refused = await dispatcher.call(echo, [2]).then(() => undefined, (error) => error);
  assert.ok(refused instanceof HandshakeError, String(refused));
  assert.deepEqual([refused.side, refused.reason], ["dispatcher", "certificate-expired"]);

  await swapped.rewrite(folders.worker, dated(-2 * MINUTE_MS, -MINUTE_MS));
  const rejected = await worker.emitted.nth("credentials.rejected", rejections + 1);
  assert.deepEqual([rejected.reason, rejected.keptExpired], ["expired", true]);

  const next = makeVersion(WORKER_ID, [root]);
  await swapped.rewrite(folders.worker, next);
  await worker.emitted.until(
    "credentials.rotated",
    ({ certificate }) => certificate?.fingerprint === next.fingerprint,
  );
  // A call may join a dial that was under way before.
  const early = await dispatcher.call(echo, [3]).catch((error: HandshakeError) => error.reason);
  if (early === "certificate-expired") assert.equal(await dispatcher.call(echo, [3]), 3);
  else assert.equal(early, 3);
});

Deno.test("a worker waits for a folder that appears later, and says what it waits for", async () => {
  await using folders = await Folders.make();
  await Deno.remove(folders.worker);
  await using worker = watching(folders);
  const rejected = await worker.emitted.until("credentials.rejected");
  const { reason, message, keptGeneration, waitsMs = 0 } = rejected;
  assert.equal(reason, "unreadable");
  assert.match(message, /does not exist/);
  assert.ok(waitsMs > 0, String(waitsMs));
  assert.equal(keptGeneration, undefined);
  await Deno.mkdir(folders.worker);
  await renamed.lay(folders.worker, makeVersion(WORKER_ID, [root]));
  await using dispatcher = await open(await worker.address);
  assert.equal(await dispatcher.call(echo, [1]), 1);
});

/** A dispatcher that called the worker under a certificate of so short a life, once that has expired. */
async function usedInTime(
  folders: Folders,
  worker: WorkerProcess,
  address: string,
  lifeMs: number,
): Promise<Dispatcher | undefined> {
  const brief = dated(-MINUTE_MS, lifeMs);
  const rejections = worker.emitted.of("credentials.rejected").length;
  await swapped.rewrite(folders.worker, brief);
  const adopted = await Promise.race([
    worker.emitted.until(
      "credentials.rotated",
      ({ certificate }) => certificate?.fingerprint === brief.fingerprint,
    ).then(() => true),
    worker.emitted.nth("credentials.rejected", rejections + 1).then(() => false),
  ]);
  if (!adopted) return undefined;
  const dispatcher = await open(address);
  const result = await dispatcher.call(echo, [1]).catch((error: HandshakeError) => error.reason);
  if (result !== 1) {
    assert.equal(result, "certificate-expired");
    await dispatcher[Symbol.asyncDispose]();
    return undefined;
  }
  await worker.emitted.until(
    "credentials.expiring",
    ({ stage, certificate }) =>
      stage === "expired" && certificate.fingerprint === brief.fingerprint,
  );
  return dispatcher;
}

/** A worker that reads its files soon after they changed, and soon believes that they are bad. */
function watching(folders: Folders): WorkerProcess {
  const files = { ...pathsIn(folders.worker), debounceMs: 20 };
  return WorkerProcess.start({ files, allow: ALLOWED });
}

function open(address: string): Promise<Dispatcher> {
  return Dispatcher.open({
    discovery: `static:${address}`,
    credentials: Credentials.fromPem(pemOf(client)),
    identity: WORKER_ID,
  });
}
