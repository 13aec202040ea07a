/** Which of the platform's clients resume their sessions today, with a Node server that offers tickets. */
import assert from "node:assert/strict";
import { connect, type ConnectionOptions } from "node:tls";
import { ForeignProcess } from "../attacks/foreign_process.ts";
import { certificateShapes, makeAuthorities, makeCertificate } from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = makeCertificate({ names: [{ uri: WORKER_ID }, { dns: "localhost" }], issuer: root });
const client = certificateShapes(authorities, CLIENT_ID).fine();

/** A client that has read this has read the tickets before it. */
const ANSWER = btoa("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");

function ticketServer(maxVersion: string): ForeignProcess {
  return new ForeignProcess("foreign_server.mjs", {
    cert: worker.chainPem,
    key: worker.keyPem,
    ca: root.pem,
    requestCert: true,
    alpn: ["http/1.1"],
    answer: ANSWER,
    maxVersion,
  });
}

/** Connects and waits for an answer; gives the last session it was offered. */
async function dial(port: number, options: ConnectionOptions): Promise<Uint8Array | undefined> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    ca: [root.pem],
    cert: client.chainPem,
    key: client.keyPem,
    servername: "localhost",
    ...options,
  });
  let session: Uint8Array | undefined;
  socket.on("session", (offered: Uint8Array) => session = offered);
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await new Promise((resolve, reject) => socket.once("data", resolve).once("error", reject));
  socket.destroy();
  return session ?? socket.getSession();
}

for (const maxVersion of ["TLSv1.3", "TLSv1.2"]) {
  // Revisit: `judgeChannel` of src/peer/judge.ts for servers; tests/attacks/dispatcher_resumption_test.ts.
  Deno.test(`a client of node:tls never resumes, not even the session it is given (${maxVersion})`, async () => {
    await using server = ticketServer(maxVersion);
    const port = Number((await server.until("listening"))["port"]);
    const session = await dial(port, {});
    assert.ok(session !== undefined && session.length > 0);
    await dial(port, {});
    await dial(port, { session: session as ConnectionOptions["session"] });
    await server.until("secure", 3);
    assert.deepEqual(server.of("secure").map(({ resumed }) => resumed), [false, false, false]);
  });
}

// Revisit: tests/attacks/deno_resumption_test.ts, whose clients resume by this.
Deno.test("`fetch` resumes where its connections share a client", async () => {
  await using server = ticketServer("TLSv1.3");
  const { port } = await server.until("listening");
  using http = Deno.createHttpClient({
    caCerts: [root.pem],
    cert: client.chainPem,
    key: client.keyPem,
    poolMaxIdlePerHost: 0,
  });
  for (let count = 0; count < 2; count++) {
    const response = await fetch(`https://localhost:${port}/`, { client: http });
    assert.equal(response.status, 204);
  }
  await server.until("secure", 2);
  assert.deepEqual(server.of("secure").map(({ resumed }) => resumed), [false, true]);
});
