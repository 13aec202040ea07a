/** Invariant 1: no byte of HTTP/2 is parsed for, or written to, a peer that is not verified and allowed. */
import assert from "node:assert/strict";
import { connect, createServer, type TLSSocket } from "node:tls";
import {
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, dialAs, handshakeErrorOf, listenAs, WORKER_ID } from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

/** SETTINGS, and GOAWAY for want of adequate security with the reason: all that a refused client gets. */
function refusalOf(reason: string): string {
  const debugData = new TextEncoder().encode(JSON.stringify({ refused: reason }));
  const length = (8 + debugData.length).toString(16).padStart(6, "0");
  return `000000040000000000${length}0700000000007fffffff0000000c${debugData.toHex()}`;
}

/** What any HTTP/2 parser would answer: the preface, SETTINGS, a PING, and a frame that breaks every rule. */
const PROVOCATION = new Uint8Array([
  ...new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  ...[0, 0, 0, 4, 0, 0, 0, 0, 0],
  ...[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
  ...[0xff, 0xff, 0xff, 6, 0, 0, 0, 0, 1],
]);

const REFUSED: readonly (readonly [string, TestCertificate | undefined, string])[] = [
  ["no certificate", undefined, "client-certificate-required"],
  ["a foreign certificate", client["foreign-authority"](), "untrusted-authority"],
  ["a certificate that is not allowed", worker.fine(), "subject-not-allowed"],
];

for (const [shown, certificate, reason] of REFUSED) {
  Deno.test(`a client with ${shown} gets the reason and not one byte in answer to its HTTP/2`, async () => {
    const observer = new RecordingObserver();
    let peers = 0;
    await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, {
      observer,
      onPeer: () => {
        peers += 1;
        throw new TypeError("nobody is accepted here");
      },
    });
    const { address } = listener;
    assert.ok(address.kind === "tcp");
    const socket = connect({
      host: address.host,
      port: address.port,
      ca: [root.pem],
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
      ...(certificate === undefined ? {} : { cert: certificate.chainPem, key: certificate.keyPem }),
    });
    socket.once("secureConnect", () => socket.write(PROVOCATION));
    assert.equal(await receivedBy(socket), refusalOf(reason));
    assert.equal((await observer.until("handshake.refused"))[0]?.reason, reason);
    assert.equal(peers, 0);
  });
}

for (const shape of ["foreign-authority", "other-identity", "expired"] as const) {
  Deno.test(`a worker whose certificate is ${shape} is not sent a single byte`, async () => {
    const { chainPem: cert, keyPem: key } = worker[shape]();
    let bytes = 0;
    const server = createServer({ cert, key, ALPNProtocols: ["h2"] }, (socket: TLSSocket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk: Uint8Array) => bytes += chunk.length);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const error = await handshakeErrorOf(
      dialAs({ certificate: client.fine(), trusts: [root] }, {
        kind: "tcp",
        host: "127.0.0.1",
        port,
      }),
    );
    assert.equal(error.side, "dispatcher");
    await new Promise((resolve) => server.close(resolve));
    assert.equal(bytes, 0);
  });
}

/** Everything that arrives until the connection is over, in hexadecimal. */
function receivedBy(socket: TLSSocket): Promise<string> {
  let received = "";
  socket.on("data", (bytes: Uint8Array) => received += new Uint8Array(bytes).toHex());
  socket.on("error", () => {});
  return new Promise((resolve) => socket.once("close", () => resolve(received)));
}
