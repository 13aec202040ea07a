/** How sockets of the platform's TLS behave today where the design works round it, and which options they ignore. */
import assert from "node:assert/strict";
import {
  connect,
  type ConnectionOptions,
  createServer,
  type Server,
  type TLSSocket,
} from "node:tls";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { codeOf, shakeHands } from "./tls_pair.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();
const asServer = { cert: worker.chainPem, key: worker.keyPem, ca: [root.pem] };
const asClient = { cert: client.chainPem, key: client.keyPem, ca: [root.pem] };
const anyName: ConnectionOptions = { ca: [root.pem], checkServerIdentity: () => undefined };

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

// Revisit: src/channel/socket_channel.ts and who writes to it: a buffer may be reused only after its callback.
Deno.test("`write` of a TLS socket does not copy while another write is pending", async () => {
  await shakeHands(asServer, asClient, async ({ client: near, server: far }) => {
    assert.ok(far !== undefined);
    const received = async (bytes: number): Promise<Uint8Array> => {
      const all = new Uint8Array(bytes);
      let at = 0;
      await new Promise<void>((resolve) => {
        far.on("data", (piece: Uint8Array) => {
          all.set(piece, at);
          at += piece.length;
          if (at === bytes) resolve();
        });
      });
      far.removeAllListeners("data");
      return all;
    };
    const lastOf = async (pending: number): Promise<number | undefined> => {
      const all = received(pending + 1);
      if (pending > 0) near.write(new Uint8Array(pending));
      const reused = Uint8Array.of(1);
      near.write(reused);
      reused[0] = 2;
      return (await all).at(-1);
    };
    assert.equal(await lastOf(0), 1);
    assert.equal(await lastOf(64 * 1024), 2);
  });
});

/** More than the sockets in between hold: the client is still writing when it is refused. */
const EARLY_BYTES = 16 * 1024 * 1024;
const CLIENTS = 5;

/** Refuses clients that write early, and reports what each of them read. */
async function readByRefused(refuse: (socket: TLSSocket) => void): Promise<string[]> {
  const server = createServer(asServer, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("refused");
      refuse(socket);
    });
  });
  const port = await portOf(server);
  const read: string[] = [];
  for (let count = 0; count < CLIENTS; count++) {
    const near = connect({ host: "127.0.0.1", port, ...anyName });
    let text = "";
    near.setEncoding("utf8").on("data", (piece: string) => text += piece);
    near.on("error", () => {});
    near.once("secureConnect", () => near.write(new Uint8Array(EARLY_BYTES)));
    near.once("end", () => near.destroy());
    await new Promise((resolve) => near.once("close", resolve));
    read.push(text);
  }
  server.close();
  return read;
}

// Revisit: src/peer/refusal.ts, which ends the channel and discards a little of what still comes.
Deno.test("a refusal reaches clients that write early where `end` and discarding follow it, not where `destroy` does", async () => {
  const ended = await readByRefused((socket) => socket.end().resume());
  assert.deepEqual(ended, new Array(CLIENTS).fill("refused"));
  const destroyed = await readByRefused((socket) => socket.destroy());
  assert.ok(destroyed.includes(""), "every refusal arrived");
});

// Revisit: whether an operator should choose ciphers; there is no option for them, since it would be in vain.
Deno.test("the platform reads `ciphers` and ignores it", async () => {
  const ciphers = "TLS_CHACHA20_POLY1305_SHA256";
  for (const [server, asked] of [[{ ciphers }, {}], [{}, { ciphers }]]) {
    await shakeHands({ ...asServer, ...server }, { ...asClient, ...asked }, ({ client: near }) => {
      assert.notEqual(near.getCipher().standardName, ciphers);
    });
  }
  assert.throws(
    () => createServer({ ...asServer, ciphers: "none of them" }),
    (error: Error) => codeOf(error) === "ERR_SSL_NO_CIPHER_MATCH",
  );
});
