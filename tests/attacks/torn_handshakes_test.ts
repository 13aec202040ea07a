import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import type { Address } from "../../src/channel/mod.ts";
import { HandshakeError, WorkerUnavailable } from "../../src/errors/mod.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { callOnce, CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../support/peers.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();

/** What happens to the byte at `at` of what one side sends. */
interface Tear {
  readonly from: "client" | "server";
  readonly at: number;
  readonly how: "cut" | "reset" | "flip" | "split";
}

/** A proxy that passes everything on but for one tear. */
async function tearing(
  target: Address,
  tear: Tear,
): Promise<AsyncDisposable & { address: Address }> {
  assert.ok(target.kind === "tcp");
  const { host, port } = target;
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(port, host);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on("error", () => {});
    pass(near, far, tear.from === "client" ? tear : undefined);
    pass(far, near, tear.from === "server" ? tear : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return {
    address: {
      kind: "tcp",
      host: "127.0.0.1",
      port: typeof bound === "object" && bound !== null ? bound.port : 0,
    },
    [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      return Promise.resolve();
    },
  };
}

function pass(from: Socket, to: Socket, tear: Tear | undefined): void {
  let passed = 0;
  from.on("close", () => to.end());
  from.on("data", (bytes: Uint8Array) => {
    const at = tear === undefined ? -1 : tear.at - passed;
    passed += bytes.length;
    if (tear === undefined || at < 0 || at >= bytes.length) return void to.write(bytes);
    to.write(bytes.subarray(0, at));
    if (tear.how === "cut") return void to.end();
    if (tear.how === "reset") return void to.resetAndDestroy();
    const rest = bytes.slice(at);
    if (tear.how === "flip") rest[0] = (rest[0] ?? 0) ^ 0x55;
    setImmediate(() => to.write(rest));
  });
}

/** Offsets over a whole handshake, record headers and the middle of messages among them. */
const OFFSETS = [0, 1, 4, 5, 9, 43, 100, 160, 230, 300, 600, 900, 1200];

for (const from of ["client", "server"] as const) {
  for (const how of ["cut", "reset", "flip"] as const) {
    Deno.test(`a handshake whose ${from} bytes are ${how} anywhere is named, and harms nobody`, async () => {
      await using listener = await listenAs({ certificate: worker, trusts: [root] });
      const shown = { certificate: client, trusts: [root] };
      for (const at of OFFSETS) {
        await using proxy = await tearing(listener.address, { from, at, how });
        try {
          const peer = await dialAs(shown, proxy.address, { handshakeTimeoutMs: 300 });
          // The tear lies beyond the handshake.
          await peer.connection.shutdown();
        } catch (error) {
          assert.ok(
            error instanceof HandshakeError || error instanceof WorkerUnavailable,
            `${how} at ${at} of the ${from}: ${error}`,
          );
        }
      }
      const peer = await dialAs(shown, listener.address);
      assert.equal(await callOnce(peer), "complete");
    });
  }

  Deno.test(`a handshake whose ${from} bytes arrive in pieces succeeds`, async () => {
    await using listener = await listenAs({ certificate: worker, trusts: [root] });
    for (const at of OFFSETS) {
      await using proxy = await tearing(listener.address, { from, at, how: "split" });
      const peer = await dialAs({ certificate: client, trusts: [root] }, proxy.address);
      assert.equal(await callOnce(peer), "complete");
    }
  });
}
