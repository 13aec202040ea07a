import assert from "node:assert/strict";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { AllWorkersFailed, ConfigurationError, HandshakeError } from "../../src/errors/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { makeCertificate } from "../support/certificates.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { CLIENT_ID, Trust, WORKER_ID } from "./trust.ts";

type Of<Type> = Extract<SelvageEvent, { readonly type: Type }>;

/** The next event of one type. */
async function next<Type extends SelvageEvent["type"]>(
  events: AsyncIterable<SelvageEvent>,
  type: Type,
): Promise<Of<Type>> {
  for await (const event of events) if (event.type === type) return event as Of<Type>;
  throw new Error(`no ${type}`);
}

/** What a call is refused with, which no routine may have begun. */
async function refusal(dispatcher: Dispatcher): Promise<HandshakeError> {
  const error = await dispatcher.call(routines.fail, ["range"]).catch((error) => error);
  assert.ok(error instanceof HandshakeError, String(error));
  return error;
}

Deno.test("a worker is reached at any address with a certificate that names none of them", async () => {
  const trust = new Trust();
  const listen = ["127.0.0.1:0", "[::1]:0", "127.0.0.2:0"];
  await using worker = await startWorker(trust, { listen });
  for (const address of worker.addresses) {
    await using dispatcher = await openDispatcher(trust, address);
    assert.equal(await dispatcher.call(routines.add, [1, 2]), 3, address);
    assert.equal(dispatcher.workers()[0]?.identity, WORKER_ID);
  }
});

Deno.test("a worker with another identity is refused by the dispatcher, and reported on both sides", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, {}, trust.worker("spiffe://example.org/impostor"));
  await using dispatcher = await openDispatcher(trust, worker.address);
  const events = dispatcher.events();
  const error = await refusal(dispatcher);
  assert.deepEqual([error.side, error.reason, error.worker.address], [
    "dispatcher",
    "identity-mismatch",
    worker.address,
  ]);
  assert.deepEqual(error.evidence.expected, [WORKER_ID]);
  assert.deepEqual(error.evidence.presented, ["spiffe://example.org/impostor"]);
  assert.equal((await next(events, "handshake.failed")).reason, "identity-mismatch");
  assert.equal(worker.peers().length, 0);
});

Deno.test("a worker of a foreign authority is refused by the dispatcher", async () => {
  const trust = new Trust();
  const foreign = new Trust();
  const pem = foreign.worker(WORKER_ID, { ca: trust.ca });
  await using worker = await startWorker(trust, {}, pem);
  await using dispatcher = await openDispatcher(trust, worker.address);
  assert.deepEqual([(await refusal(dispatcher)).reason], ["untrusted-authority"]);
});

Deno.test("a client that is not allowed gets that reason, before a routine runs", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  const events = worker.events();
  await using dispatcher = await openDispatcher(trust, worker.address, {
    credentials: trust.client("spiffe://example.org/stranger"),
  });
  const error = await refusal(dispatcher);
  assert.deepEqual([error.side, error.reason, error.peerReason], [
    "worker",
    "client-certificate-refused",
    "subject-not-allowed",
  ]);
  const refused = await next(events, "handshake.refused");
  assert.deepEqual([refused.side, refused.reason, refused.evidence.presented], [
    "worker",
    "subject-not-allowed",
    ["spiffe://example.org/stranger"],
  ]);
  await using allowed = await openDispatcher(trust, worker.address);
  assert.ok(!(await allowed.call(routines.marked, [])).includes("fail:range"));
});

Deno.test("a client of a foreign authority gets that reason, before a routine runs", async () => {
  const trust = new Trust();
  const foreign = new Trust();
  await using worker = await startWorker(trust);
  const events = worker.events();
  await using dispatcher = await openDispatcher(trust, worker.address, {
    credentials: foreign.client(CLIENT_ID, { ca: trust.ca }),
  });
  const error = await refusal(dispatcher);
  assert.deepEqual([error.reason, error.peerReason], [
    "client-certificate-refused",
    "untrusted-authority",
  ]);
  assert.equal((await next(events, "handshake.refused")).reason, "untrusted-authority");
});

Deno.test("a dispatcher with credentials never speaks plaintext, and one without never TLS", async () => {
  const trust = new Trust();
  await using plain = await WorkerServer.start({ routines });
  await using secure = await startWorker(trust);
  await using careful = await openDispatcher(trust, plain.address);
  assert.equal((await refusal(careful)).reason, "plaintext-peer");
  await using careless = await Dispatcher.open({ discovery: `static:${secure.address}` });
  assert.equal((await refusal(careless)).reason, "encrypted-peer");
});

Deno.test("a certificate of our own that has expired is noticed before anything is dialled", async () => {
  const root = makeCertificate({ authority: true });
  const expired = makeCertificate({
    issuer: root,
    names: [{ uri: CLIENT_ID }],
    notBefore: Date.now() - 7_200_000,
    notAfter: Date.now() - 3_600_000,
  });
  await using dispatcher = await Dispatcher.open({
    discovery: "static:127.0.0.1:1",
    credentials: Credentials.fromPem({ ca: root.pem, cert: expired.pem, key: expired.keyPem }),
    identity: WORKER_ID,
  });
  const error = await refusal(dispatcher);
  assert.deepEqual([error.side, error.reason], ["dispatcher", "own-certificate-invalid"]);
  assert.ok(error.evidence.ownCertificate !== undefined && error.evidence.advice !== undefined);
});

Deno.test("without an identity, the host name in the configuration is what is verified", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust, { listen: "localhost:0" });
  await using dispatcher = await openDispatcher(trust, worker.address, { identity: undefined });
  const error = await refusal(dispatcher);
  assert.equal(error.reason, "identity-mismatch");
  assert.deepEqual(error.evidence.expected, ["localhost"]);
});

/** No worker is dialled again while a test runs, so that its state and its counts stand. */
const NO_RETRY = { shortestBackoffMs: 3_600_000, longestBackoffMs: 3_600_000 };

Deno.test("several workers that refuse are reported one by one", async () => {
  const trust = new Trust();
  await using impostor = await startWorker(trust, {}, trust.worker("spiffe://example.org/other"));
  await using choosy = await startWorker(trust, { allow: "spiffe://example.org/nobody" });
  await using dispatcher = await openDispatcher(trust, [impostor.address, choosy.address], {
    limits: NO_RETRY,
  });
  const error = await dispatcher.call(routines.add, [1, 2]).catch((error) => error);
  assert.ok(error instanceof AllWorkersFailed);
  assert.equal(error.handshakeOnly, true);
  const reasons = error.failures.map(({ worker, error }) => [
    worker.address,
    (error as HandshakeError).reason,
  ]);
  assert.deepEqual(
    new Map(reasons as [string, string][]),
    new Map([
      [impostor.address, "identity-mismatch"],
      [choosy.address, "client-certificate-refused"],
    ]),
  );
  const counts = dispatcher.workers().map(({ handshakeFailures, state }) => [
    state,
    handshakeFailures,
  ]);
  assert.deepEqual(counts, [
    ["failing", { "identity-mismatch": 1 }],
    ["failing", { "client-certificate-refused": 1 }],
  ]);
});

Deno.test("options that contradict each other are refused before anything is opened", async () => {
  const trust = new Trust();
  const credentials = Credentials.fromPem(trust.worker());
  const refused = [
    () => WorkerServer.start({ routines, credentials }),
    () => WorkerServer.start({ routines, credentials, allow: "" }),
    () => WorkerServer.start({ routines, credentials, allow: [] }),
    () => WorkerServer.start({ routines, allow: "*" }),
    () => WorkerServer.start({ routines, strict: true }),
    () => WorkerServer.start({ routines, listen: [] }),
    () =>
      WorkerServer.start({
        routines: { a: routines.add, b: { ...routines.add, implementation: () => 1 } },
      }),
    () => WorkerServer.start({ modules: ["./no_such_module.ts"] }),
    () => Dispatcher.open({ discovery: "static:127.0.0.1:1", credentials, identity: " " }),
    () => Dispatcher.open({ discovery: "static:127.0.0.1:1", identity: WORKER_ID }),
    () => Dispatcher.open({ discovery: "static:unix:/tmp/w", credentials }),
    () => Dispatcher.open({ discovery: "static:127.0.0.1:1", strict: true }),
  ];
  for (const [index, opening] of refused.entries()) {
    await assert.rejects(opening, ConfigurationError, `case ${index}`);
  }
});
