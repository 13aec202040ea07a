import assert from "node:assert/strict";
import { makeAuthorities, makeCertificate } from "../support/certificates.ts";
import { callOnce, CLIENT_ID, dialAs, materialOf, WORKER_ID } from "../support/peers.ts";
import { ForeignProcess } from "./foreign_process.ts";

const { root } = makeAuthorities();
const worker = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });
const client = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: root });

/** How a client begins HTTP/2. */
const PREFACE = btoa("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  Deno.test(`a dispatcher never resumes, though the server offers it tickets (${version})`, async () => {
    await using server = new ForeignProcess("foreign_server.mjs", {
      cert: worker.chainPem,
      key: worker.keyPem,
      ca: root.pem,
      requestCert: true,
      maxVersion: version,
      http2: true,
    });
    const port = Number((await server.until("listening"))["port"]);
    const material = materialOf({ certificate: client, trusts: [root] });
    for (let count = 0; count < 2; count++) {
      const peer = await dialAs(material, { kind: "tcp", host: "127.0.0.1", port }, {
        minTlsVersion: version,
      });
      assert.equal(await callOnce(peer), "complete");
      await peer.connection.shutdown();
    }
    // That the tickets are good is shown by a client that takes them.
    await using taker = new ForeignProcess("foreign_client.mjs", {
      ca: root.pem,
      cert: client.chainPem,
      key: client.keyPem,
      port,
      steps: [
        { send: PREFACE, leaveOnData: true },
        { send: PREFACE, leaveOnData: true, resume: true },
      ],
    });
    await taker.done();
    await server.until("secure", 4);
    const resumed = server.of("secure").map(({ resumed }) => resumed);
    assert.deepEqual(resumed, [false, false, false, true]);
  });
}
