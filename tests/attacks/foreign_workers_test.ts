import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import type { HandshakeReason, HandshakeSide, PeerReason } from "../../src/errors/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { CLIENT_ID, dialAs, handshakeErrorOf, type Shown, WORKER_ID } from "../support/peers.ts";
import { ForeignProcess } from "./foreign_process.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const clientShapes = certificateShapes(authorities, CLIENT_ID);
const client = clientShapes.fine();
const MUTUAL: Shown = { certificate: client, trusts: [root] };
const ONE_WAY: Shown = { trusts: [root] };

/** The result of a dial of a foreign TLS server. */
interface Row {
  readonly title: string;
  /** The server's settings besides its certificate and authority. */
  readonly server: Record<string, unknown>;
  readonly dialler: Shown;
  readonly minTlsVersion?: "TLSv1.2" | "TLSv1.3";
  readonly reason: HandshakeReason;
  readonly peerReason?: PeerReason;
  readonly side: HandshakeSide;
  readonly alert?: string;
}

const STRICT = { requestCert: true, rejectUnauthorized: true };

const ROWS: readonly Row[] = [
  {
    title: "a server that demands a certificate of a dispatcher without one (TLS 1.3)",
    server: STRICT,
    dialler: ONE_WAY,
    reason: "client-certificate-required",
    side: "worker",
    alert: "certificate_required",
  },
  {
    title: "a server that demands a certificate of a dispatcher without one (TLS 1.2)",
    server: { ...STRICT, maxVersion: "TLSv1.2" },
    dialler: ONE_WAY,
    reason: "tls-alert",
    side: "worker",
    alert: "handshake_failure",
  },
  {
    title: "a Node server that hangs up on a client it does not trust, and gives no reason",
    server: STRICT,
    dialler: { certificate: clientShapes["foreign-authority"](), trusts: [root] },
    reason: "handshake-aborted",
    side: "worker",
  },
  {
    title: "a server that speaks only TLS 1.2 to a dispatcher that asks for 1.3",
    server: { maxVersion: "TLSv1.2" },
    dialler: MUTUAL,
    reason: "protocol-mismatch",
    side: "worker",
    alert: "protocol_version",
  },
  {
    title: "a server that speaks another protocol by ALPN",
    server: { alpn: ["http/1.1"] },
    dialler: MUTUAL,
    reason: "protocol-mismatch",
    side: "worker",
    alert: "no_application_protocol",
  },
  {
    title: "a server that knows no ALPN",
    server: { alpn: [] },
    dialler: MUTUAL,
    reason: "protocol-mismatch",
    side: "dispatcher",
  },
  {
    title: "a server that hangs up after the handshake",
    server: { hangUp: true },
    dialler: MUTUAL,
    reason: "handshake-aborted",
    side: "worker",
  },
];

for (const row of ROWS) {
  Deno.test(`a dispatcher names ${row.title}: ${row.reason}`, async () => {
    await using server = new ForeignProcess("foreign_server.mjs", {
      cert: worker.chainPem,
      key: worker.keyPem,
      ca: root.pem,
      ...row.server,
    });
    const { port } = await server.until("listening");
    const { minTlsVersion } = row;
    const error = await handshakeErrorOf(
      dialAs(row.dialler, { kind: "tcp", host: "127.0.0.1", port: Number(port) }, {
        ...(minTlsVersion === undefined ? {} : { minTlsVersion }),
      }),
    );
    assert.equal(error.reason, row.reason, error.message);
    assert.equal(error.side, row.side);
    assert.equal(error.peerReason, row.peerReason);
    assert.equal(error.evidence.alert, row.alert);
  });
}

Deno.test("a probe of a certificate that is not trusted shows nothing of ours", async () => {
  const foreign: TestCertificate = certificateShapes(authorities, WORKER_ID)["foreign-authority"]();
  await using server = new ForeignProcess("foreign_server.mjs", {
    cert: foreign.chainPem,
    key: foreign.keyPem,
    ca: root.pem,
    requestCert: true,
  });
  const { port } = await server.until("listening");
  const address = { kind: "tcp", host: "127.0.0.1", port: Number(port) } as const;
  const error = await handshakeErrorOf(dialAs(MUTUAL, address));
  assert.equal(error.reason, "untrusted-authority");
  const looked = await server.until("secure");
  assert.equal(looked["shown"], null);
  assert.equal(server.of("secure").length, 1);
  assert.equal((await server.until("refused"))["code"], "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA");
  assert.deepEqual(server.of("data"), []);
});

/** A raw server; `behave` is given each socket. */
async function rawServer(
  behave: (socket: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      return Promise.resolve();
    },
  };
}

/** The result of a dial of something else, with credentials and without. */
const RAW: readonly {
  readonly title: string;
  readonly behave: (socket: Socket, clock: ManualClock) => void;
  readonly overTls: HandshakeReason;
  readonly plain: HandshakeReason;
}[] = [
  {
    title: "an HTTP/1 server",
    behave: (socket) =>
      socket.once(
        "data",
        () => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
      ),
    overTls: "plaintext-peer",
    plain: "protocol-mismatch",
  },
  {
    title: "an SSH server",
    behave: (socket) => socket.write("SSH-2.0-OpenSSH_9.2p1\r\n"),
    overTls: "plaintext-peer",
    plain: "protocol-mismatch",
  },
  {
    title: "a peer that hangs up at once",
    behave: (socket) => socket.end(),
    overTls: "handshake-aborted",
    plain: "handshake-aborted",
  },
  {
    title: "a peer that resets after the first bytes",
    behave: (socket) => socket.once("data", () => socket.resetAndDestroy()),
    overTls: "handshake-aborted",
    plain: "handshake-aborted",
  },
  {
    title: "a peer that begins a TLS record and hangs up",
    behave: (socket) =>
      socket.once("data", () => socket.end(new Uint8Array([0x16, 3, 3, 0, 80, 2]))),
    overTls: "handshake-aborted",
    plain: "encrypted-peer",
  },
  {
    title: "a TLS server that answers with an alert",
    behave: (socket) =>
      socket.once("data", () => socket.end(new Uint8Array([0x15, 3, 3, 0, 2, 2, 80]))),
    overTls: "tls-alert",
    plain: "encrypted-peer",
  },
  {
    title: "a peer that sends what is neither",
    behave: (socket) => socket.write(new Uint8Array(64).fill(0xfe)),
    overTls: "plaintext-peer",
    plain: "protocol-mismatch",
  },
  {
    title: "a peer that never answers",
    behave: (socket, clock) => socket.once("data", () => clock.advance(60_000)),
    overTls: "handshake-timeout",
    plain: "handshake-timeout",
  },
];

for (const { title, behave, overTls, plain } of RAW) {
  Deno.test(`a dispatcher names ${title}: ${overTls} over TLS, ${plain} without`, async () => {
    // It stands, however busy the machine is, but where the peer turns it.
    const clock = new ManualClock(Date.now());
    await using server = await rawServer((socket) => behave(socket, clock));
    const address = { kind: "tcp", host: "127.0.0.1", port: server.port } as const;
    const encrypted = await handshakeErrorOf(dialAs(MUTUAL, address, { clock }));
    assert.equal(encrypted.reason, overTls, encrypted.message);
    const open = await handshakeErrorOf(dialAs(undefined, address, { clock }));
    assert.equal(open.reason, plain, open.message);
  });
}

Deno.test("a dial that is given up throws the signal's reason and closes the socket", async () => {
  const closed = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using server = await rawServer((socket) => {
    socket.once("data", () => begun.resolve());
    socket.once("close", () => closed.resolve());
  });
  const caller = new AbortController();
  const dial = dialAs(MUTUAL, { kind: "tcp", host: "127.0.0.1", port: server.port }, {
    signal: caller.signal,
  });
  await begun.promise;
  const reason = new Error("enough");
  caller.abort(reason);
  await assert.rejects(dial, (error) => error === reason);
  await closed.promise;
});

Deno.test("a port that nobody listens on is unavailable, not a failed handshake", async () => {
  const server = await rawServer(() => {});
  await server[Symbol.asyncDispose]();
  const dial = dialAs(MUTUAL, { kind: "tcp", host: "127.0.0.1", port: server.port });
  await assert.rejects(dial, { name: "WorkerUnavailable", notBegun: true });
});

Deno.test("a host name that does not resolve is unavailable", async () => {
  const dial = dialAs(MUTUAL, { kind: "tcp", host: "nobody.invalid", port: 1 });
  await assert.rejects(dial, { name: "WorkerUnavailable", notBegun: true });
});
