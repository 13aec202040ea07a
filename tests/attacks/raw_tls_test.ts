import assert from "node:assert/strict";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../support/peers.ts";
import { connectRaw, listenRaw, signingKey } from "../support/raw_tls/mod.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { ForeignProcess } from "./foreign_process.ts";

/** The raw peer is only worth something in an attack where it is accepted without one. */

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();
const workerKey = await signingKey(worker.keyPem);
const clientKey = await signingKey(client.keyPem);

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
const SETTINGS = 4;

Deno.test("a worker accepts the raw client where it is honest, and sends it SETTINGS", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker, trusts: [root] }, { observer });
  assert.ok(listener.address.kind === "tcp");
  using raw = await connectRaw(listener.address);
  await raw.authenticate([client.der], clientKey);
  await raw.application(PREFACE);
  await raw.send();
  const answer = await raw.untilApplication(9);
  assert.equal(answer[3], SETTINGS);
  assert.equal((await observer.until("peer.accepted"))[0]?.peer.identity, CLIENT_ID);
});

Deno.test("a dispatcher accepts the raw server where it is honest, and sends it the preface", async () => {
  await using server = listenRaw(async (raw) => {
    await raw.authenticate([worker.der], workerKey);
    await raw.send();
    await raw.untilApplication(PREFACE.length);
    raw[Symbol.dispose]();
  });
  const dial = dialAs({ certificate: client, trusts: [root] }, server.address);
  await assert.rejects(dial, { reason: "handshake-aborted", side: "worker" });
  const [heard, ...more] = await server.heard();
  assert.deepEqual(heard?.application.slice(0, 24), PREFACE.slice(0, 24));
  assert.deepEqual(heard?.certificates?.map((der) => der.toHex()), [client.der.toHex()]);
  assert.deepEqual(more, []);
});

Deno.test("a Node server accepts the raw client where it is honest", async () => {
  await using server = new ForeignProcess("foreign_server.mjs", {
    cert: worker.chainPem,
    key: worker.keyPem,
    ca: root.pem,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const { port } = await server.until("listening");
  using raw = await connectRaw({ host: "127.0.0.1", port: Number(port) });
  await raw.authenticate([client.der], clientKey);
  await raw.application(PREFACE);
  await raw.send();
  assert.equal((await server.until("secure"))["authorized"], true);
  assert.equal((await server.until("data"))["bytes"], PREFACE.length);
});

Deno.test("a Node client accepts the raw server where it is honest", async () => {
  await using server = listenRaw(async (raw) => {
    await raw.authenticate([worker.der], workerKey);
    await raw.application(PREFACE);
    await raw.send();
  });
  await using peer = new ForeignProcess("foreign_client.mjs", {
    cert: client.chainPem,
    key: client.keyPem,
    ca: root.pem,
    port: server.address.port,
    rejectUnauthorized: true,
    steps: [{ send: PREFACE.toBase64(), leaveOnData: true }],
  });
  await peer.done();
  assert.equal(peer.of("secure").length, 1);
  assert.equal(peer.of("data").map(({ hex }) => hex).join(""), PREFACE.toHex());
  const [heard] = await server.heard();
  assert.deepEqual(heard?.application, PREFACE);
});
