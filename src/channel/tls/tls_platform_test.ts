import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { certificateShapes, makeAuthorities } from "../../../tests/support/certificates.ts";
import { callOnce, CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../../../tests/support/peers.ts";
import { RawDuplex } from "./raw_duplex.ts";
import { serverSocket, serverTls } from "./tls_server.ts";
import { watchHandshake } from "./tls_platform.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();

Deno.test("watchHandshake() shadows the platform's own reading of the peer before the handshake", () => {
  const nowhere = new Duplex({ read() {}, write: (_bytes, _encoding, written) => written() });
  const raw = nowhere as unknown as ConstructorParameters<typeof RawDuplex>[0];
  const below = new RawDuplex(raw, "us");
  const { chainPem: certificate, keyPem: key } = worker;
  const socket = serverSocket(
    below,
    serverTls({ identity: { certificate, key }, mutual: true, minVersion: "TLSv1.3" }),
  );
  watchHandshake(socket, below, { secured: () => {}, failed: () => {} });
  assert.ok(Object.hasOwn(socket, "getPeerCertificate"));
  assert.deepEqual(socket.getPeerCertificate(true), {});
  setImmediate(() => socket.destroy());
});

Deno.test("on neither end does a handshake make the platform read the peer's certificate", async () => {
  const original = TLSSocket.prototype.getPeerCertificate;
  let read = 0;
  TLSSocket.prototype.getPeerCertificate = function (this: TLSSocket, ...given: unknown[]) {
    read += 1;
    return Reflect.apply(original, this, given);
  } as typeof original;
  try {
    await using listener = await listenAs({ certificate: worker, trusts: [root] });
    const peer = await dialAs({ certificate: client, trusts: [root] }, listener.address);
    assert.equal(await callOnce(peer), "complete");
    await peer.connection.shutdown();
    assert.equal(read, 0);
  } finally {
    TLSSocket.prototype.getPeerCertificate = original;
  }
});
