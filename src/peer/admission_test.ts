import assert from "node:assert/strict";
import { DEFAULT_SOCKET_LIMITS, SocketAdmission, type SocketLimits } from "../channel/mod.ts";
import { WorkerUnavailable } from "../errors/mod.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { callOnce, CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../../tests/support/peers.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";

const root = makeCertificate({ name: "root", authority: true });
const worker = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });
const client = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: root });
const other = makeCertificate({ names: [{ uri: `${CLIENT_ID}2` }], issuer: root });
const SHOWN = { certificate: worker, trusts: [root] };

function admitting(limits: Partial<SocketLimits>): { admission: SocketAdmission } {
  return { admission: new SocketAdmission({ ...DEFAULT_SOCKET_LIMITS, ...limits }) };
}

Deno.test("an identity with as many connections as it may gets no more, and others do", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs(SHOWN, {
    observer,
    ...admitting({ connectionsPerIdentity: 1 }),
  });
  const first = await dialAs({ certificate: client, trusts: [root] }, listener.address);
  await assert.rejects(
    dialAs({ certificate: client, trusts: [root] }, listener.address),
    (error) => error instanceof WorkerUnavailable,
  );
  const [refused] = await observer.until("handshake.refused");
  assert.equal(refused?.peer.identity, CLIENT_ID);
  assert.match(refused?.evidence.advice ?? "", /limits\.connectionsPerIdentity/);
  const second = await dialAs({ certificate: other, trusts: [root] }, listener.address);
  assert.equal(await callOnce(second), "complete");
  assert.equal(await callOnce(first), "complete");
  await first.connection.shutdown();
  // The worker counts a connection until it is closed.
  for (;;) {
    const again = await dialAs({ certificate: client, trusts: [root] }, listener.address)
      .catch(() => undefined);
    if (again !== undefined) break;
  }
});

for (
  const [how, shown, dialler] of [
    ["in plaintext", undefined, undefined],
    ["over one-way TLS", { ...SHOWN, oneWay: true }, { trusts: [root] }],
  ] as const
) {
  Deno.test(`a connection without a request gives way ${how}, one with a request does not`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs(shown, { observer, ...admitting({ connections: 2 }) });
    const busy = await dialAs(dialler, listener.address);
    assert.equal(await callOnce(busy), "complete");
    const idle = await dialAs(dialler, listener.address);
    const later = await dialAs(dialler, listener.address);
    await idle.connection.closed;
    assert.equal(await callOnce(later), "complete");
    assert.equal(await callOnce(busy), "complete");
    const refused = await observer.until("handshake.refused");
    assert.equal(refused.length, 1);
    assert.match(refused[0]?.evidence.found ?? "", /limits\.connections /);
  });
}
