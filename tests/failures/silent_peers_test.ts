/** Ports where nobody speaks our language, and peers that hang, hang up or reset at every step. */
import assert from "node:assert/strict";
import { connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { HandshakeReason } from "../../src/errors/mod.ts";
import type { RefusalReason } from "../../src/observe/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { CLIENT_ID, type Shown, WORKER_ID } from "../support/peers.ts";
import { countHandshakes, failedCall, next, openDispatcher, startWorker } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();
const MUTUAL: Shown = { certificate: client, trusts: [root] };
const handshakes = countHandshakes();

/** Long enough for any machine to reach the step, short enough to wait for. */
const SHORT_MS = 250;

/** A server on a port of its own, and every socket of it. */
async function serverOf(
  onSocket: (socket: Socket) => void,
  tls = false,
): Promise<AsyncDisposable & { readonly port: number; readonly address: string }> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
  };
  const server = tls
    ? createTlsServer({
      cert: worker.chainPem,
      key: worker.keyPem,
      ca: [root.pem],
      requestCert: true,
      ALPNProtocols: ["h2"],
    }, (socket) => {
      keep(socket);
      onSocket(socket);
    })
    : createTcpServer((socket) => {
      keep(socket);
      onSocket(socket);
    });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  return {
    port,
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * What one call of ours to that address fails with: in the error, the event and the counter.
 *
 * @param timeoutMs short where the time is to run out, and only there.
 */
async function reasonAt(
  address: string,
  shown: Shown | undefined,
  timeoutMs?: number,
): Promise<readonly [reason: HandshakeReason, side: string]> {
  await using dispatcher = await openDispatcher(shown, address, {
    limits: { handshakeTimeoutMs: timeoutMs },
  });
  handshakes();
  const { error, event } = await failedCall(dispatcher);
  const { side, reason } = error;
  assert.deepEqual([event.reason, event.side, error.peerReason], [reason, side, undefined]);
  assert.equal(handshakes()[`${side} ${reason}`], 1);
  return [reason, side];
}

const answering = (answer: string | Uint8Array) => (socket: Socket) =>
  void socket.once("data", () => socket.end(answer));

/** What lives on a port, and what a dispatcher says of it with credentials and without. */
const OTHERS: readonly (readonly [
  string,
  (socket: Socket) => void,
  HandshakeReason,
  HandshakeReason,
])[] = [
  ["HTTP/1", answering("HTTP/1.1 400 Bad Request\r\n\r\n"), "plaintext-peer", "protocol-mismatch"],
  ["SSH", (socket) => socket.write("SSH-2.0-Sealed_1\r\n"), "plaintext-peer", "protocol-mismatch"],
  [
    "a banner of control characters",
    (socket) => socket.write("\x1b[2J\x1b]0;x\x07\r\n"),
    "plaintext-peer",
    "protocol-mismatch",
  ],
  [
    "HTTP/2 in plaintext",
    (socket) => {
      socket.write(Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0));
      // What would be a worker in plaintext, but for the PING that it never answers.
    },
    "plaintext-peer",
    "handshake-timeout",
  ],
  [
    "TLS that answers with an alert",
    answering(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 80)),
    "tls-alert",
    "encrypted-peer",
  ],
];

for (const [title, behave, overTls, plain] of OTHERS) {
  Deno.test(`a dispatcher names a port of ${title}: ${overTls}, without credentials ${plain}`, async () => {
    await using server = await serverOf(behave);
    assert.equal((await reasonAt(server.address, MUTUAL))[0], overTls);
    const timeoutMs = plain === "handshake-timeout" ? SHORT_MS : undefined;
    assert.equal((await reasonAt(server.address, undefined, timeoutMs))[0], plain);
  });
}

Deno.test("plaintext and TLS name each other on both ends", async () => {
  await using secure = await startWorker({ certificate: worker, trusts: [root] });
  await using plain = await startWorker(undefined);
  const refusedBy = async (at: WorkerServer, shown: Shown | undefined) => {
    using events = at.events();
    const [reason] = await reasonAt(at.address, shown);
    const refused = await next(events, "handshake.refused");
    assert.equal(refused.side, "worker");
    return [reason, refused.reason];
  };
  assert.deepEqual(await refusedBy(plain, MUTUAL), ["plaintext-peer", "encrypted-peer"]);
  assert.deepEqual(await refusedBy(secure, undefined), ["encrypted-peer", "plaintext-peer"]);
});

/** What a peer does at a step. */
const ACTS: Readonly<Record<string, (socket: Socket) => void>> = {
  "hangs": () => {},
  "hangs up": (socket) => socket.end(),
  "resets": (socket) => socket.resetAndDestroy(),
};

/** Passes on so much of a worker's handshake, then acts. */
const afterBytes = (count: number, target: WorkerServer, act: (socket: Socket) => void) => {
  const port = portOf(target);
  return (near: Socket): void => {
    const far = connectTcp(port, "127.0.0.1");
    let left = count;
    far.on("error", () => {});
    near.on("close", () => far.destroy());
    near.on("data", (bytes: Uint8Array) => far.write(bytes));
    far.on("data", (bytes: Uint8Array) => {
      if (left === 0) return;
      const passed = bytes.subarray(0, left);
      left -= passed.length;
      near.write(passed, () => left === 0 && act(near));
    });
  };
};

function portOf({ address }: WorkerServer): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

for (const [how, act] of Object.entries(ACTS)) {
  const timeoutMs = how === "hangs" ? SHORT_MS : undefined;
  const expected = how === "hangs"
    ? ["handshake-timeout", "dispatcher"] as const
    : ["handshake-aborted", "worker"] as const;

  Deno.test(`a dispatcher names a worker that ${how} at any step: ${expected[0]}`, async (t) => {
    await using target = await startWorker({ certificate: worker, trusts: [root] });
    const steps: readonly (readonly [string, (socket: Socket) => void, boolean?])[] = [
      ["before a byte", act],
      ["after our hello", (socket) => void socket.once("data", () => act(socket))],
      ["within a record's header", afterBytes(3, target, act)],
      ["within its hello", afterBytes(60, target, act)],
      ["within its certificate", afterBytes(400, target, act)],
      ["after the handshake", act, true],
    ];
    for (const [step, behave, tls] of steps) {
      await t.step(step, async () => {
        await using server = await serverOf(behave, tls);
        assert.deepEqual(await reasonAt(server.address, MUTUAL, timeoutMs), expected);
      });
    }
  });

  const seen: readonly [RefusalReason, string] = how === "hangs"
    ? ["handshake-timeout", "worker"]
    : ["handshake-aborted", "dispatcher"];

  Deno.test(`a worker names a client that ${how} at any step: ${seen[0]}, but for a TCP probe`, async (t) => {
    await using target = await startWorker({ certificate: worker, trusts: [root] }, {
      limits: { handshakeTimeoutMs: timeoutMs },
    });
    const hello = await clientHello();
    const steps: readonly (readonly [string, Uint8Array])[] = [
      ["before a byte", new Uint8Array(0)],
      ["within a record's header", hello.subarray(0, 3)],
      ["within its hello", hello.subarray(0, 60)],
      ["after its hello", hello],
    ];
    for (const [step, sent] of steps) {
      await t.step(step, async () => {
        using events = target.events();
        handshakes();
        const socket = connectTcp(portOf(target), "127.0.0.1", () => {
          if (sent.length === 0) return act(socket);
          socket.write(sent, () => act(socket));
        });
        socket.on("error", () => {});
        if (sent.length === 0 && how !== "hangs") {
          // As a TCP probe does: no handshake has failed.
          let counted = handshakes();
          while (Object.keys(counted).length === 0) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            counted = handshakes();
          }
          assert.deepEqual(counted, { "worker probe": 1 });
          return;
        }
        const { reason, side } = await next(events, "handshake.refused");
        assert.deepEqual([reason, side], seen);
        assert.deepEqual(handshakes(), { [`${side} ${reason}`]: 1 });
        socket.destroy();
      });
    }
    if (how === "hangs") return;
    await t.step("after the handshake", async () => {
      using events = target.events();
      const socket = connectTls({
        host: "127.0.0.1",
        port: portOf(target),
        ca: [root.pem],
        cert: client.chainPem,
        key: client.keyPem,
        ALPNProtocols: ["h2"],
        checkServerIdentity: () => undefined,
      }, () => socket.end());
      socket.on("error", () => {});
      const { reason, side, peer } = await next(events, "handshake.refused");
      assert.deepEqual([reason, side, peer.identity], [...seen, CLIENT_ID]);
    });
  });
}

/** The first flight of a real client. */
async function clientHello(): Promise<Uint8Array> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  await using server = await serverOf((socket) => void socket.once("data", resolve));
  const socket = connectTls({ host: "127.0.0.1", port: server.port, ALPNProtocols: ["h2"] });
  socket.on("error", () => {});
  const hello = await promise;
  socket.destroy();
  return hello;
}
