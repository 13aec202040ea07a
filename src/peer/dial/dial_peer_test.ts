import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer } from "node:net";
import { assemble, type CredentialMaterial } from "../../credentials/mod.ts";
import { parsePattern } from "../../identity/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../../../tests/support/certificates.ts";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import {
  callOnce,
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  materialOf,
  WORKER_ID,
} from "../../../tests/support/peers.ts";

const DAY_MS = 24 * 3_600_000;
/** Nothing listens there: a dial fails with another error. */
const NOWHERE = { kind: "tcp", host: "127.0.0.1", port: 1 } as const;

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

/** Credentials as they are taken where there is nothing better, with all that is wrong with them. */
function taken({ chainPem: cert }: TestCertificate, key: string): CredentialMaterial {
  const assembled = assemble({ ca: root.pem, cert, key }, Date.now());
  assert.ok(assembled.kind === "own-invalid", assembled.kind);
  return { ...assembled.material, generation: 1 };
}

for (const shape of ["expired", "not-yet-valid"] as const) {
  Deno.test(`dialPeer shows no worker a certificate of ours that is ${shape}`, async () => {
    const own = client[shape]();
    const error = await handshakeErrorOf(dialAs(taken(own, own.keyPem), NOWHERE));
    assert.equal(error.reason, "own-certificate-invalid");
    assert.equal(error.side, "dispatcher");
    assert.equal(error.evidence.rule, `own.${shape}`);
  });
}

Deno.test("dialPeer shows no worker a certificate whose key is another", async () => {
  const error = await handshakeErrorOf(dialAs(taken(client.fine(), client.fine().keyPem), NOWHERE));
  assert.equal(error.reason, "own-certificate-invalid");
  assert.equal(error.evidence.rule, "own.key-mismatch");
});

Deno.test("dialPeer judges by its own clock where the platform is content", async () => {
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] });
  const clock = new ManualClock(Date.now() + 10 * DAY_MS);
  const error = await handshakeErrorOf(dialAs({ trusts: [root] }, listener.address, { clock }));
  assert.equal(error.reason, "certificate-expired");
});

Deno.test("dialPeer does not trust what the platform refuses, though its own clock would", async () => {
  await using listener = await listenAs({ certificate: worker.expired(), trusts: [root] });
  const clock = new ManualClock(Date.now() - 120_000);
  const error = await handshakeErrorOf(dialAs({ trusts: [root] }, listener.address, { clock }));
  assert.equal(error.reason, "certificate-unsuitable");
  assert.equal(error.evidence.rule, "platform.refused");
});

Deno.test("dialPeer comes again where the worker has taken a new certificate since its own was refused", async () => {
  await using before = await listenAs({ certificate: worker.expired(), trusts: [root] });
  await using after = await listenAs({ certificate: worker.fine(), trusts: [root] });
  let connections = 0;
  const server = createServer((socket) => {
    const { address } = connections++ === 0 ? before : after;
    assert.ok(address.kind === "tcp");
    const onward = connect(address.port, address.host);
    for (const [from, to] of [[socket, onward], [onward, socket]] as const) {
      from.on("error", () => to.destroy()).pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const shown = { certificate: client.fine(), trusts: [root] };
  const { connection } = await dialAs(shown, { kind: "tcp", host: "127.0.0.1", port });
  assert.equal(connections, 3);
  await connection.shutdown();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("dialPeer trusts nobody where nobody is expected", async () => {
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] });
  const dial = dialAs({ certificate: client.fine(), trusts: [root] }, listener.address, {
    expected: [],
  });
  assert.equal((await handshakeErrorOf(dial)).reason, "identity-mismatch");
});

Deno.test("dialPeer proves a worker by any of the names that are expected", async () => {
  const certificate = makeCertificate({
    names: [{ dns: "a.pool.internal" }, { uri: WORKER_ID }],
    issuer: root,
  });
  await using listener = await listenAs({ certificate, trusts: [root] });
  const expected = ["spiffe://example.org/other", "dns:*.pool.internal"].map((text) =>
    parsePattern(text)
  );
  const peer = await dialAs({ certificate: client.fine(), trusts: [root] }, listener.address, {
    expected,
  });
  assert.equal(peer.identity?.name, "dns:a.pool.internal");
  assert.equal(await callOnce(peer), "complete");
});

Deno.test("dialPeer refuses credentials that can verify nobody", async () => {
  await using listener = await listenAs({
    certificate: worker.fine(),
    trusts: [root],
    oneWay: true,
  });
  const { chainPem: cert, keyPem: key } = client.fine();
  const assembled = assemble({ cert, key, oneWay: true }, Date.now());
  assert.ok(assembled.kind === "usable");
  const dial = dialAs({ ...assembled.material, generation: 1 }, listener.address);
  await assert.rejects(dial, { name: "ConfigurationError" });
});

Deno.test("dialPeer keeps a certificate that is meant for serving to itself", async () => {
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] });
  const serving = materialOf({ certificate: client.fine(), trusts: [root], oneWay: true });
  const error = await handshakeErrorOf(dialAs(serving, listener.address));
  assert.equal(error.reason, "client-certificate-required");
});

Deno.test("dialPeer opens many connections with one version of the credentials", async () => {
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] });
  const material = materialOf({ certificate: client.fine(), trusts: [root] });
  const peers = await Promise.all(
    Array.from({ length: 20 }, () => dialAs(material, listener.address)),
  );
  assert.equal(listener.connections().length, 20);
  const ends = await Promise.all(peers.map((peer) => callOnce(peer)));
  assert.ok(ends.every((how) => how === "complete"));
});

Deno.test("dialPeer hands out a connection before its answer only where the worker is proven", async () => {
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] });
  const shown = { certificate: client.fine(), trusts: [root] };
  let call: Promise<string> | undefined;
  const { connection } = await dialAs(shown, listener.address, {
    onOpened: (connection) => call = callOnce({ connection }),
  });
  assert.equal(await call, "complete");
  await connection.shutdown();
  let opened = 0;
  const refused = dialAs(shown, listener.address, { expected: [], onOpened: () => opened++ });
  assert.equal((await handshakeErrorOf(refused)).reason, "identity-mismatch");
  assert.equal(opened, 0);
});
