/** What the platform makes of resumed sessions today; see `src/peer/refused_sessions.ts`. */
import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { ForeignProcess } from "../attacks/foreign_process.ts";
import {
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const stranger = certificateShapes(authorities, CLIENT_ID)["foreign-authority"]();

/** A server of the platform that tells of each client whether it is authorized. */
async function serverWith(
  ca: TestCertificate,
): Promise<Disposable & { port: number; told: boolean[] }> {
  const told: boolean[] = [];
  const server = createServer({
    cert: worker.chainPem,
    key: worker.keyPem,
    ca: [ca.pem],
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  }, (socket) => {
    told.push(socket.authorized);
    socket.on("error", () => {});
    socket.write("x");
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    told,
    [Symbol.dispose]: () => void server.close(),
  };
}

async function connectTwice(first: number, second: number, maxVersion: string): Promise<void> {
  await using peer = new ForeignProcess("foreign_client.mjs", {
    ca: root.pem,
    cert: stranger.chainPem,
    key: stranger.keyPem,
    maxVersion,
    steps: [{ port: first, leaveOnData: true }, { port: second, resume: true, leaveOnData: true }],
  });
  await peer.done();
}

for (const version of ["TLSv1.3", "TLSv1.2"]) {
  Deno.test(`the platform calls a client authorized that resumes a session it had refused (${version})`, async () => {
    using server = await serverWith(root);
    await connectTwice(server.port, server.port, version);
    assert.deepEqual(server.told, [false, true]);
  });

  Deno.test(`the platform resumes a session of another listener with another authority (${version})`, async () => {
    using other = await serverWith(foreign);
    using server = await serverWith(root);
    await connectTwice(other.port, server.port, version);
    assert.deepEqual([...other.told, ...server.told], [true, true]);
  });
}
