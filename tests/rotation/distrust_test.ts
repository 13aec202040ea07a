import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError, WorkerUnavailable } from "../../src/errors/mod.ts";
import { denylistOf } from "../support/certificates.ts";
import { echo, held, hold, release } from "./routines.ts";
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
import { type CredentialPaths, pathsIn, renamed } from "./ways.ts";
import { WorkerProcess } from "./worker_process.ts";

const root = makeRoot("root");

Deno.test("a client that is denied takes no new call at once, finishes the one it is at, and others stay", async () => {
  await using stage = await Stage.open();
  const version = makeVersion(CLIENT_ID, [root]);
  await using denied = await stage.dispatcher(version);
  await using other = await stage.dispatcher(makeVersion(CLIENT_ID, [root]));
  const emitted = new Emitted(other.events());
  assert.equal(await other.call(echo, [1]), 1);
  const { call } = await begin(denied, "denied");

  await stage.deny(denylistOf(version.certificate));
  await stage.worker.emitted.until("denylist.changed");
  const refused = await failure(denied);
  assert.ok(refused instanceof HandshakeError, String(refused));
  assert.equal(refused.peerReason, "certificate-denied");
  assert.equal(await other.call(echo, [2]), 2);
  assert.equal(emitted.of("peer.accepted").length, 1);

  await other.call(release, ["denied"]);
  assert.equal(await call, "denied");
  // Whom we show has not changed: no connection had to move but the one that is denied.
  const states = stage.worker.emitted.of("listener.generation").map(({ state }) => state);
  assert.deepEqual(states, ["current"]);
});

Deno.test("a client is denied although our own certificate cannot be used any more", async () => {
  await using stage = await Stage.open();
  const version = makeVersion(CLIENT_ID, [root]);
  await using denied = await stage.dispatcher(version);
  assert.equal(await denied.call(echo, [1]), 1);
  await stage.tear();
  await stage.worker.emitted.until("credentials.rejected");
  await stage.deny("no JSON");
  await stage.worker.emitted.until("denylist.rejected");
  await stage.deny(denylistOf(version.certificate));
  await stage.worker.emitted.until("denylist.changed");
  const refused = await failure(denied);
  assert.ok(refused instanceof HandshakeError, String(refused));
  assert.equal(refused.peerReason, "certificate-denied");
});

Deno.test("a client that is denied is cut off when the grace is over", async () => {
  await using stage = await Stage.open({ distrustGraceMs: 200 });
  const version = makeVersion(CLIENT_ID, [root]);
  await using denied = await stage.dispatcher(version);
  const { call } = await begin(denied, "cut off");
  await stage.deny(denylistOf(version.certificate));
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error instanceof WorkerUnavailable, String(error));
  assert.equal(error.notBegun, false);
  assert.match(error.message, /accepts our certificate no longer: certificate-denied; our /);
});

Deno.test("a client whose certificate expires takes no new call, and finishes the one it is at", async () => {
  await using stage = await Stage.open();
  await using other = await stage.dispatcher(makeVersion(CLIENT_ID, [root]));
  assert.equal(await other.call(echo, [1]), 1);
  // Longer each time, for where a handshake and the beginning of a call take longer than a certificate lives.
  for (let lifeMs = 6_000;; lifeMs *= 2) {
    const notAfter = Date.now() + lifeMs;
    await using expiring = await stage.dispatcher(makeVersion(CLIENT_ID, [root], { notAfter }));
    const emitted = new Emitted(expiring.events());
    const name = `expiring after ${lifeMs} ms`;
    const begun = await begin(expiring, name).catch((error) => {
      if (error instanceof HandshakeError) return undefined;
      throw error;
    });
    if (begun === undefined) continue;
    await emitted.until("credentials.expiring", ({ stage }) => stage === "expired");
    const refused = await failure(expiring);
    assert.ok(refused instanceof HandshakeError, String(refused));
    assert.equal(refused.reason, "own-certificate-invalid");
    await other.call(release, [name]);
    assert.equal(await begun.call, name);
    return;
  }
});

Deno.test("a worker that its dispatcher denies is called no more, and calls at it end with the grace", async () => {
  await using stage = await Stage.open();
  await using folders = await Folders.make();
  await renamed.lay(folders.client, makeVersion(CLIENT_ID, [root]));
  const denylist = join(folders.client, "denylist.json");
  await Deno.writeTextFile(denylist, "{}");
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${await stage.worker.address}`,
    credentials: Credentials.watchFiles({ ...pathsIn(folders.client), debounceMs: 20 }),
    denylist,
    identity: WORKER_ID,
    limits: { distrustGraceMs: 200 },
  });
  const { call } = await begin(dispatcher, "denying");
  await Deno.writeTextFile(denylist, denylistOf(stage.version.certificate));
  const cutOff = await call.then(() => undefined, (error) => error);
  assert.ok(cutOff instanceof WorkerUnavailable, String(cutOff));
  assert.equal(cutOff.notBegun, false);
  assert.match(cutOff.message, /: we cut the call off after distrustGraceMs, as we accept its /);
  const refused = await failure(dispatcher);
  assert.ok(refused instanceof HandshakeError, String(refused));
  assert.deepEqual([refused.side, refused.reason], ["dispatcher", "certificate-denied"]);
});

Deno.test("our own authority stays trusted where the bundle alone leaves it out, and its denied key ends that at once", async () => {
  await using stage = await Stage.open();
  const other = makeRoot("other");
  await using client = await stage.dispatcher(makeVersion(CLIENT_ID, [root]));
  assert.equal(await client.call(echo, [1]), 1);
  await stage.trust(other.pem);
  const { message } = await stage.worker.emitted.until("credentials.rejected");
  assert.match(message, /"CN=root", which is left out/);
  assert.equal(await client.call(echo, [2]), 2);

  const key = new X509Certificate(root.der).publicKey.export({ type: "spki", format: "der" });
  const spkiSha256 = createHash("sha256").update(key).digest("hex");
  assert.ok(message.includes(spkiSha256), message);
  await stage.deny(JSON.stringify({ spkiSha256: [spkiSha256] }));
  await stage.worker.emitted.until("denylist.changed");
  const refused = await failure(client);
  assert.ok(refused instanceof HandshakeError, String(refused));
  assert.equal(refused.peerReason, "certificate-denied");

  // With a certificate of an authority that stays, the bundle is taken after all.
  await stage.renew(makeVersion(WORKER_ID, [other]));
  await stage.worker.emitted.until("credentials.rotated");
});

/** A worker process that watches its files, and a denylist among them. */
class Stage implements AsyncDisposable {
  readonly worker: WorkerProcess;
  /** The worker's credentials. */
  readonly version: Version;
  readonly #denylist: string;
  readonly #files: CredentialPaths;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    worker: WorkerProcess,
    version: Version,
    denylist: string,
    files: CredentialPaths,
    resources: AsyncDisposableStack,
  ) {
    this.worker = worker;
    this.version = version;
    this.#denylist = denylist;
    this.#files = files;
    this.#resources = resources;
  }

  static async open(limits: { readonly distrustGraceMs?: number } = {}): Promise<Stage> {
    const resources = new AsyncDisposableStack();
    const folders = resources.use(await Folders.make());
    const version = makeVersion(WORKER_ID, [root]);
    await renamed.lay(folders.worker, version);
    const denylist = join(folders.worker, "denylist.json");
    await Deno.writeTextFile(denylist, "{}");
    const files = { ...pathsIn(folders.worker), debounceMs: 20 };
    const worker = resources.use(WorkerProcess.start({ files, denylist, allow: ALLOWED, limits }));
    return new Stage(worker, version, denylist, files, resources);
  }

  /** A dispatcher with these credentials, which do not change. */
  async dispatcher(version: Version): Promise<Dispatcher> {
    return await Dispatcher.open({
      discovery: `static:${await this.worker.address}`,
      credentials: Credentials.fromPem(pemOf(version)),
      identity: WORKER_ID,
    });
  }

  /** Writes half a certificate over the worker's. */
  async tear(): Promise<void> {
    await Deno.writeTextFile(this.#files.cert, "-----BEGIN CERTIFICATE-----");
  }

  /** Replaces the worker's bundle alone. */
  async trust(ca: string): Promise<void> {
    await Deno.writeTextFile(this.#files.ca, ca);
  }

  /** Replaces all that the worker's files hold. */
  async renew({ ca, cert, key }: Version): Promise<void> {
    await Deno.writeTextFile(this.#files.key, key);
    await Deno.writeTextFile(this.#files.cert, cert);
    await this.trust(ca);
  }

  /** Replaces the denylist. */
  async deny(denylist: string): Promise<void> {
    await Deno.writeTextFile(this.#denylist, denylist);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Begins a call that lasts until it is released; resolves once the worker is at it. */
async function begin(
  dispatcher: Dispatcher,
  name: string,
): Promise<{ readonly call: Promise<string> }> {
  const call = dispatcher.call(hold, [name], { timeoutMs: 0 });
  call.catch(() => {}); // looked at by the test, later
  await dispatcher.call(held, [name]);
  return { call };
}

/** What a call fails with. */
function failure(dispatcher: Dispatcher): Promise<unknown> {
  return dispatcher.call(echo, [0]).then(() => undefined, (error) => error);
}
