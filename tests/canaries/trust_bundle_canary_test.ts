/**
 * What the platform does with a `ca` that is absent or empty. Where this fails after an upgrade, see
 * `clientContext` of `src/channel/tls/tls_client.ts` and `src/credentials/assemble.ts`, which never leave it to the
 * platform.
 */
import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { WORKER_ID } from "../support/peers.ts";
import { type Child, startChild } from "./child.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();

/** Dials the server with every `ca` in turn and prints, as JSON, by which it was accepted. */
const DIALS = `
  import { connect } from "node:tls";
  const { port, cas } = JSON.parse(Deno.args[0]);
  const accepted = [];
  for (const { absent, ca } of cas) {
    accepted.push(await new Promise((resolve) => {
      const socket = connect({
        host: "127.0.0.1", port, checkServerIdentity: () => undefined, ca: absent ? undefined : ca,
      });
      const over = (word) => { resolve(word); socket.destroy(); };
      socket.on("error", () => over(false)).on("secureConnect", () => over(socket.authorized));
    }));
  }
  console.log(JSON.stringify(accepted));
  Deno.exit(0);
`;

/** Uses a server with the worker's certificate while a client of its own process dials it. */
async function dialledBy(
  dials: (port: number) => Child,
): Promise<Awaited<Child["ended"]>> {
  const { chainPem: cert, keyPem: key } = worker;
  const server = createServer({ cert, key }, (socket) => {
    socket.on("error", () => {});
    socket.end();
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  try {
    await using child = dials(typeof bound === "object" && bound !== null ? bound.port : 0);
    return await child.ended;
  } finally {
    server.close();
  }
}

// `DENO_CERT` adds an authority to the public roots, so that one can be had that signs for the loopback.
Deno.test("to the platform a `ca` of `undefined` or empty text means the public roots, other nonsense nobody", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/public.pem`, root.pem);
    const cas = [{ absent: true }, { ca: "" }, { ca: [] }, { ca: [""] }, { ca: "no PEM" }];
    const env = { DENO_CERT: `${folder}/public.pem` };
    const { printed, errors } = await dialledBy((port) => startChild(DIALS, { port, cas }, env));
    assert.deepEqual(JSON.parse(printed), [true, true, false, false, false], errors);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
