/** What a call fails with that one of the two ends cuts off, as it does not trust the other end any more. */
import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError, WorkerUnavailable } from "../../src/errors/mod.ts";
import type { HandshakeRefused, SelvageEvent } from "../../src/observe/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { HandTurned } from "../e2e/trust.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { ALLOWED, CLIENT_ID, makeRoot, makeVersion, pemOf, WORKER_ID } from "./versions.ts";

const root = makeRoot("root");
const other = makeRoot("other");
const limits = { distrustGraceMs: 200 };

/** What is expected of the call that is cut off, and of the next one. */
interface Expected {
  readonly cutOff: RegExp;
  /** The reason that the worker reports where it is the dispatcher that cuts the call off. Default: it does not. */
  readonly toldWorker?: string;
  readonly next: { readonly reason: string; readonly peerReason?: string; readonly says?: RegExp };
  /** How long the dispatcher lets a call end at a worker that it trusts no longer. Default: as long as the worker. */
  readonly graceMs?: number;
}

function byUs(word: string, found: string): RegExp {
  return RegExp(
    ": we cut the call off after distrustGraceMs, as we accept its certificate no longer: " +
      `${word}; ${found}`,
  );
}

function byWorker(word: string): RegExp {
  return RegExp(`: it cut the call off, as it accepts our certificate no longer: ${word}; `);
}

/** Both ends, and a call that lasts until one of them ends it; `act` is done while it lasts. */
async function cutOff(
  worker: Credentials,
  client: Credentials,
  expected: Expected,
  act: (server: WorkerServer) => unknown = () => {},
): Promise<void> {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const lasting = routine("cut.lasting", async () => {
    begun.resolve();
    await released.promise;
  });
  await using server = await WorkerServer.start({
    routines: { lasting },
    credentials: worker,
    allow: ALLOWED,
    limits: { ...limits, drainGraceMs: 0 },
  });
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${server.address}`,
    credentials: client,
    identity: WORKER_ID,
    limits: { distrustGraceMs: expected.graceMs ?? limits.distrustGraceMs },
  });
  const call = dispatcher.call(lasting, [], { timeoutMs: 0 });
  const error = call.then(() => undefined, (error) => error);
  const failedAtOnce = await Promise.race([begun.promise, error]);
  if (failedAtOnce !== undefined) throw failedAtOnce;
  await act(server);
  using events = server.events();
  const thrown = await error;
  if (expected.toldWorker !== undefined) {
    const { side, reason, evidence } = await refusalIn(events);
    assert.deepEqual([side, reason], ["dispatcher", expected.toldWorker]);
    assert.match(evidence.found ?? "", /^the client cut its calls off, as it accepts our /);
  }
  released.resolve();
  assert.ok(thrown instanceof WorkerUnavailable, String(thrown));
  assert.equal(thrown.notBegun, false);
  assert.match(thrown.message, expected.cutOff);
  const next = await dispatcher.call(lasting, []).then(() => undefined, (error) => error);
  assert.ok(next instanceof HandshakeError, String(next));
  const { reason, peerReason, says = /^/ } = expected.next;
  assert.deepEqual([next.reason, next.peerReason], [reason, peerReason]);
  assert.match(next.message, says);
}

async function refusalIn(events: AsyncIterable<SelvageEvent>): Promise<HandshakeRefused> {
  for await (const event of events) if (event.type === "handshake.refused") return event;
  throw new Error("the worker was drained before");
}

/** Makes a case of certificates that end; of longer ones where they have ended before the call has begun. */
async function whereItExpires(make: (notAfter: number) => Promise<void>): Promise<void> {
  for (let lifeMs = 3_000;; lifeMs *= 2) {
    try {
      return await make(Date.now() + lifeMs);
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
    }
  }
}

function credentialsOf(identity: string, issuer: TestCertificate, notAfter?: number): Credentials {
  const version = makeVersion(identity, [issuer], notAfter === undefined ? {} : { notAfter });
  return Credentials.fromPem({ ...pemOf(version), ca: root.pem + other.pem });
}

Deno.test("a call at a connection whose certificate ends says so, at whichever end it is", async () => {
  const refused = { reason: "client-certificate-refused", peerReason: "certificate-expired" };
  const intermediate = (notAfter: number) =>
    makeCertificate({ name: "signing", authority: 0, issuer: root, notAfter });
  await Promise.all([
    whereItExpires((notAfter) =>
      cutOff(credentialsOf(WORKER_ID, root), credentialsOf(CLIENT_ID, root, notAfter), {
        cutOff: byWorker("certificate-expired"),
        next: { reason: "own-certificate-invalid" },
      })
    ),
    whereItExpires((notAfter) =>
      cutOff(credentialsOf(WORKER_ID, root), credentialsOf(CLIENT_ID, intermediate(notAfter)), {
        cutOff: byWorker("certificate-expired"),
        next: {
          ...refused,
          says: /has an authority above it expired, or is the other end's clock/,
        },
      })
    ),
    whereItExpires((notAfter) =>
      cutOff(credentialsOf(WORKER_ID, root, notAfter), credentialsOf(CLIENT_ID, root), {
        cutOff: byUs("certificate-expired", "it expired at .*; renew the certificate"),
        toldWorker: "certificate-expired",
        next: { reason: "certificate-expired", says: /; it expired at / },
      })
    ),
    whereItExpires((notAfter) =>
      cutOff(credentialsOf(WORKER_ID, intermediate(notAfter)), credentialsOf(CLIENT_ID, root), {
        cutOff: byUs("certificate-expired", 'the authority "CN=signing": it expired at '),
        toldWorker: "certificate-expired",
        next: {
          reason: "certificate-expired",
          says: /; the authority "CN=signing": it expired at /,
        },
      })
    ),
  ]);
});

Deno.test("a call at a worker that trusts our authority no longer says so", async () => {
  const version = makeVersion(WORKER_ID, [root, other]);
  const worker = new HandTurned(pemOf(version));
  await cutOff(worker.credentials, credentialsOf(CLIENT_ID, other), {
    cutOff: byWorker("untrusted-authority"),
    next: { reason: "client-certificate-refused", peerReason: "untrusted-authority" },
  }, () => worker.turn({ ...pemOf(version), ca: root.pem }));
});

Deno.test("a call at a worker whose authority we trust no longer says so", async () => {
  const version = makeVersion(CLIENT_ID, [root, other]);
  const client = new HandTurned(pemOf(version));
  await cutOff(credentialsOf(WORKER_ID, other), client.credentials, {
    cutOff: byUs("untrusted-authority", 'its issuer "CN=other" is neither trusted nor presented'),
    toldWorker: "untrusted-authority",
    next: { reason: "untrusted-authority" },
  }, () => client.turn({ ...pemOf(version), ca: root.pem }));
});

Deno.test("a worker whose certificate has ended takes trust away all the same", async () => {
  await whereItExpires(async (notAfter) => {
    const version = makeVersion(WORKER_ID, [root, other], { notAfter });
    const worker = new HandTurned(pemOf(version));
    const next = { reason: "certificate-expired" };
    const expected = { cutOff: byWorker("untrusted-authority"), next, graceMs: 60_000 };
    await cutOff(worker.credentials, credentialsOf(CLIENT_ID, other), expected, async (server) => {
      for await (const event of server.events()) {
        if (event.type === "credentials.rejected") assert.fail(event.message);
        if (event.type === "credentials.rotated") return;
        if (event.type !== "credentials.expiring" || event.stage !== "expired") continue;
        worker.turn({ ...pemOf(version), ca: root.pem });
      }
    });
  });
});
