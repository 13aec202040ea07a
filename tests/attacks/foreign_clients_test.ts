import assert from "node:assert/strict";
import { DEFAULT_SOCKET_LIMITS, SocketAdmission } from "../../src/channel/mod.ts";
import { connect, type Socket } from "node:net";
import type { HandshakeSide } from "../../src/errors/mod.ts";
import type { RefusalReason } from "../../src/observe/mod.ts";
import type { PeerListener } from "../../src/peer/mod.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { callOnce, CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../support/peers.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { ForeignProcess } from "./foreign_process.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();
const stranger = certificateShapes(authorities, CLIENT_ID)["foreign-authority"]();

const accepted = (): never => assert.fail("the client was accepted");

function portOf({ address }: PeerListener): number {
  return address.kind === "tcp" ? address.port : 0;
}

/** What our worker says of a Node client. */
const ROWS: readonly {
  readonly title: string;
  readonly step: Record<string, unknown>;
  readonly ca?: string;
  readonly reason: RefusalReason;
  readonly side: HandshakeSide;
  readonly alert?: string;
}[] = [
  {
    title: "a Node client that does not know our authority, and gives no reason",
    step: {},
    ca: foreign.pem,
    reason: "handshake-aborted",
    side: "dispatcher",
  },
  {
    title: "a client that speaks only TLS 1.2",
    step: { maxVersion: "TLSv1.2" },
    reason: "protocol-mismatch",
    side: "worker",
    alert: "protocol_version",
  },
  {
    title: "a client that offers another protocol by ALPN",
    step: { alpn: ["http/1.1"] },
    reason: "protocol-mismatch",
    side: "worker",
  },
  {
    title: "a client that offers no protocol by ALPN",
    step: { alpn: [] },
    reason: "protocol-mismatch",
    side: "worker",
  },
];

for (const row of ROWS) {
  Deno.test(`a worker names ${row.title}: ${row.reason}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs({ certificate: worker, trusts: [root] }, {
      observer,
      onPeer: accepted,
    });
    await using peer = new ForeignProcess("foreign_client.mjs", {
      cert: client.chainPem,
      key: client.keyPem,
      port: portOf(listener),
      ca: row.ca,
      rejectUnauthorized: row.ca !== undefined,
      steps: [row.step],
    });
    const [refused, ...more] = await observer.until("handshake.refused");
    assert.equal(refused?.reason, row.reason, JSON.stringify(refused));
    assert.equal(refused?.side, row.side);
    assert.equal(refused?.evidence.alert, row.alert);
    assert.deepEqual(more, []);
    await peer.done();
  });
}

/** A raw client: connects, does something, and resolves with all it received when it is cut off. */
function rawClient(port: number, act: (socket: Socket) => void): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const received: Uint8Array[] = [];
  const socket = connect(port, "127.0.0.1", () => act(socket));
  socket.on("data", (bytes: Uint8Array) => received.push(bytes));
  socket.on("error", () => {});
  socket.on("close", () => resolve(Uint8Array.from(received.flatMap((bytes) => [...bytes]))));
  return promise;
}

Deno.test("a plaintext client of a TLS worker is named and answered with an alert", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker, trusts: [root] }, {
    observer,
    onPeer: accepted,
  });
  const answer = await rawClient(
    portOf(listener),
    (socket) => socket.end("PRI * HTTP/2.0\r\n\r\n"),
  );
  assert.deepEqual([...answer], [0x15, 3, 3, 0, 2, 2, 10]);
  assert.equal((await observer.until("handshake.refused"))[0]?.reason, "plaintext-peer");
});

Deno.test("plaintext clients of a TLS worker hold places until they are closed, and make way for later ones", async () => {
  // The clock stands: nobody is cut off for taking long.
  const clock = new ManualClock(Date.now());
  const shown = { certificate: worker, trusts: [root] };
  await using listener = await listenAs(shown, {
    clock,
    admission: new SocketAdmission({ ...DEFAULT_SOCKET_LIMITS, pendingHandshakes: 2 }),
  });
  assert.ok(listener.address.kind === "tcp");
  const { host, port } = listener.address;
  const turnedAway = async (): Promise<Deno.TcpConn> => {
    const connection = await Deno.connect({ hostname: host, port });
    await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    await connection.read(new Uint8Array(16));
    return connection;
  };
  using first = await turnedAway();
  using _second = await turnedAway();
  using _third = await turnedAway();
  await assert.rejects(
    async () => {
      for (let piece = 0; piece < 1024; piece++) await first.write(new Uint8Array(16 * 1024));
    },
    (error) =>
      error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset,
  );
});

Deno.test("a TLS client of a plaintext worker is named and answered in plaintext", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs(undefined, { observer, onPeer: accepted });
  const hello = new Uint8Array([0x16, 3, 1, 0, 100, 1, 0, 0, 96]);
  const answer = await rawClient(portOf(listener), (socket) => socket.end(hello));
  assert.equal(answer[0], 0);
  assert.equal((await observer.until("handshake.refused"))[0]?.reason, "encrypted-peer");
});

Deno.test("a client that hangs up within the handshake is named: handshake-aborted", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker, trusts: [root] }, {
    observer,
  });
  const hello = new Uint8Array([0x16, 3, 1, 0, 100, 1, 0, 0, 96]);
  await rawClient(portOf(listener), (socket) => socket.end(hello));
  const [refused] = await observer.until("handshake.refused");
  assert.equal(refused?.reason, "handshake-aborted");
  assert.equal(refused?.side, "dispatcher");
});

Deno.test("garbage in place of a handshake is named and harms nobody", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker, trusts: [root] }, {
    observer,
  });
  const garbage = new Uint8Array(2000).fill(0xee);
  garbage.set([0x16, 3, 1, 7, 0]);
  await rawClient(portOf(listener), (socket) => socket.write(garbage));
  assert.equal((await observer.until("handshake.refused"))[0]?.side, "worker");
  const peer = await dialAs({ certificate: client, trusts: [root] }, listener.address);
  assert.equal(await callOnce(peer), "complete");
});

Deno.test("a refused client that goes on sending gets the reason, nothing else, and is cut off", async () => {
  await using listener = await listenAs({ certificate: worker, trusts: [root] }, {
    onPeer: accepted,
  });
  await using peer = new ForeignProcess("foreign_client.mjs", {
    cert: stranger.chainPem,
    key: stranger.keyPem,
    ca: root.pem,
    port: portOf(listener),
    steps: [{ flood: 64 * 1024 * 1024 }],
  });
  await peer.done();
  const received = peer.of("data").map(({ hex }) => String(hex)).join("");
  // The reason has a pause before it, and a peer that floods may be cut off before that.
  const settings = "000000040000000000";
  const reason = new TextEncoder().encode('{"refused":"untrusted-authority"}').toHex();
  assert.ok(["", settings].includes(received) || received.endsWith(reason), received);
});
