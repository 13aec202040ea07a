/**
 * Provokes every kind of failed handshake between a worker and a dispatcher, or one of them and
 * something else, and tells what both ends say of it.
 *
 * @module
 */
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { Credentials } from "../src/credentials/mod.ts";
import type { Dispatcher } from "../src/dispatch/mod.ts";
import type { HandshakeError, HandshakeReason, PeerReason } from "../src/errors/mod.ts";
import type { HandshakeRefused } from "../src/observe/mod.ts";
import type { WorkerServer } from "../src/worker/mod.ts";
import { failedCall, next, openDispatcher, startWorker } from "../tests/failures/ground.ts";
import {
  denylistOf,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from "../tests/support/certificates.ts";
import { CLIENT_ID, type Shown, WORKER_ID } from "../tests/support/peers.ts";

/** What both ends said of one handshake. */
export interface Provoked {
  /** What the call threw. */
  readonly error: HandshakeError;
  /** What the worker reported, where there was a worker of ours that noticed. */
  readonly refused?: HandshakeRefused;
}

const { root, foreign } = makeAuthorities();

/** Another half a second, so that it is 90 s by the time it is reported. */
const NINETY_SECONDS_MS = 90_500;
const DAY_MS = 24 * 3_600_000;

function workerCertificate(options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate({ name: "worker", names: [{ uri: WORKER_ID }], issuer: root, ...options });
}

function clientCertificate(options: TestCertificateOptions = {}): TestCertificate {
  return makeCertificate({ name: "client", names: [{ uri: CLIENT_ID }], issuer: root, ...options });
}

function expired(): TestCertificateOptions {
  return { notBefore: Date.now() - DAY_MS, notAfter: Date.now() - NINETY_SECONDS_MS };
}

function notYetValid(): TestCertificateOptions {
  return { notBefore: Date.now() + NINETY_SECONDS_MS };
}

/** How each failure is provoked. */
export const FAILURES: Readonly<Record<HandshakeReason, () => Promise<Provoked>>> = {
  "untrusted-authority": () => worker({ issuer: foreign }),
  "identity-mismatch": () => worker({ names: [{ uri: "spiffe://example.org/other" }] }),
  "certificate-expired": () => worker(expired()),
  "certificate-not-yet-valid": () => worker(notYetValid()),
  "certificate-unsuitable": () => worker({ usages: ["client"] }),
  "certificate-denied": deniedWorker,
  "own-certificate-invalid": ownCertificate,
  "client-certificate-required": () => between({ certificate: workerCertificate() }, {}),
  "client-certificate-refused": () => client({ names: [{ uri: `${CLIENT_ID}/stranger` }] }),
  "plaintext-peer": () => between(undefined, { certificate: clientCertificate() }),
  "encrypted-peer": () => between({ certificate: workerCertificate() }, undefined),
  "protocol-mismatch": olderTls,
  "handshake-timeout": () => other(createTcpServer(), { handshakeTimeoutMs: 250 }),
  "handshake-aborted": () => other(createTcpServer((socket) => socket.end())),
  "tls-alert": () => other(createTcpServer(answeringWithAlert)),
};

/** How a worker is made to refuse a client's certificate, for each further word that it says of it. */
export const REFUSALS: Readonly<
  Record<
    Exclude<
      PeerReason,
      "client-certificate-required" | "subject-not-allowed" | "identity-mismatch"
    >,
    () => Promise<Provoked>
  >
> = {
  "untrusted-authority": () => client({ issuer: foreign }),
  "certificate-expired": () => client(expired()),
  "certificate-not-yet-valid": () => client(notYetValid()),
  "certificate-unsuitable": () => client({ usages: ["server"] }),
  "certificate-denied": deniedClient,
};

/** A worker of that certificate, which is not to be trusted. */
async function worker(options: TestCertificateOptions): Promise<Provoked> {
  const certificate = workerCertificate(options);
  await using worker = await startWorker({ certificate, trusts: [root] });
  await using dispatcher = await dispatcherWith(clientCertificate(), worker.address);
  return await provoked(dispatcher, worker);
}

/** Looks at its own certificate as any dispatcher does, where others here show whatever they are given. */
function dispatcherWith(certificate: TestCertificate, address: string): Promise<Dispatcher> {
  const { chainPem: cert, keyPem: key } = certificate;
  return openDispatcher(undefined, address, {
    credentials: Credentials.fromPem({ ca: root.pem, cert, key }),
    identity: WORKER_ID,
  });
}

/** A client of that certificate, which is not to be accepted. */
function client(options: TestCertificateOptions): Promise<Provoked> {
  return between(
    { certificate: workerCertificate() },
    { certificate: clientCertificate(options) },
  );
}

function deniedWorker(): Promise<Provoked> {
  const certificate = workerCertificate();
  const denylist = denylistOf(certificate);
  return between({ certificate }, { certificate: clientCertificate(), denylist });
}

function deniedClient(): Promise<Provoked> {
  const certificate = clientCertificate();
  const denylist = denylistOf(certificate);
  return between({ certificate: workerCertificate(), denylist }, { certificate });
}

type End = Omit<Shown, "trusts"> | undefined;

/** Has a dispatcher call a worker; an end that is given nothing speaks plaintext. */
async function between(ofWorker: End, ofDispatcher: End): Promise<Provoked> {
  await using worker = await startWorker(ofWorker && { ...ofWorker, trusts: [root] });
  const shown = ofDispatcher && { ...ofDispatcher, trusts: [root] };
  await using dispatcher = await openDispatcher(shown, worker.address);
  return await provoked(dispatcher, worker);
}

async function provoked(dispatcher: Dispatcher, worker: WorkerServer): Promise<Provoked> {
  using events = worker.events();
  const { error } = await failedCall(dispatcher);
  return { error, refused: await next(events, "handshake.refused") };
}

/** Nobody is dialled, so nobody needs to listen. */
async function ownCertificate(): Promise<Provoked> {
  await using dispatcher = await dispatcherWith(clientCertificate(expired()), "127.0.0.1:1");
  const { error } = await failedCall(dispatcher);
  return { error };
}

function olderTls(): Promise<Provoked> {
  const { chainPem: cert, keyPem: key } = workerCertificate();
  return other(createTlsServer({ cert, key, maxVersion: "TLSv1.2" }));
}

function answeringWithAlert(socket: Socket): void {
  socket.once("data", () => socket.end(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 80)));
}

/** Has a dispatcher call something that is no worker. */
async function other(
  server: Server,
  limits: { readonly handshakeTimeoutMs?: number } = {},
): Promise<Provoked> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const shown = { certificate: clientCertificate(), trusts: [root] };
  try {
    await using dispatcher = await openDispatcher(shown, `127.0.0.1:${port}`, { limits });
    const { error } = await failedCall(dispatcher);
    return { error };
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
