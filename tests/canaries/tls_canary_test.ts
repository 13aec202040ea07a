/**
 * What the platform's TLS does today, where the design depends on it or works round it. Where a test fails after
 * an upgrade, see `src/channel/tls/tls_platform.ts` for what to revisit.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { connect, createSecureContext, type TLSSocket, TLSSocket as Tls } from "node:tls";
import { KeyExchangeReader } from "../../src/channel/tls/server_hello.ts";
import {
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { codeOf, duplexOver, shakeHands, tcpPair } from "./tls_pair.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

const shows = ({ chainPem, keyPem }: TestCertificate) => ({ cert: chainPem, key: keyPem });

/** The handle inside a TLS socket. */
// deno-lint-ignore no-explicit-any
function handleOf(socket: TLSSocket): any {
  return (socket as unknown as { _handle: unknown })._handle;
}

Deno.test("the handle inside a TLS socket reports the peer's chain, the platform's verdict and resumption", async () => {
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem] },
    { ...shows(client["fine-under-intermediate"]()), ca: [root.pem] },
    ({ client: near, server: far }) => {
      assert.ok(far !== undefined);
      assert.equal(handleOf(far).getPeerCertificateChain().certificates.length, 2);
      assert.ok(handleOf(far).getPeerCertificateChain().certificates[0] instanceof Uint8Array);
      assert.equal(handleOf(far).verifyError(), "");
      assert.equal(handleOf(far).isSessionReused(), false);
      assert.equal(handleOf(near).verifyError(), "");
      assert.equal(typeof handleOf(near).onerror, "function");
    },
  );
});

for (const shape of ["expired", "not-yet-valid", "client-only"] as const) {
  Deno.test(`the platform's code does not say that a server's certificate is ${shape}`, async () => {
    await shakeHands(
      { ...shows(worker[shape]()), ca: [root.pem] },
      { ca: [root.pem] },
      ({ clientCode }) => assert.equal(clientCode, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
    );
  });
}

Deno.test("two ends of the platform agree on x25519, never on a hybrid group, whatever ecdhCurve says", async () => {
  // Where this fails because they agree on X25519MLKEM768, a setting that demands it can be offered, and
  // SECURITY.md says otherwise than it does.
  for (const ecdhCurve of [undefined, "X25519MLKEM768"]) {
    const given = ecdhCurve === undefined ? {} : { ecdhCurve };
    using pair = await tcpPair();
    const reader = new KeyExchangeReader();
    pair.near.on("data", (bytes: Uint8Array) => reader.read(bytes));
    const server = new Tls(duplexOver(pair.far) as unknown as Socket, {
      isServer: true,
      ...shows(worker.fine()),
      ...given,
    });
    const client = connect({
      socket: duplexOver(pair.near),
      ca: [root.pem],
      checkServerIdentity: () => undefined,
      ...given,
    });
    await new Promise<void>((resolve, reject) => {
      client.on("secureConnect", () => resolve());
      client.on("error", reject);
      server.on("error", reject);
    });
    assert.equal(reader.group, "x25519");
    client.destroy();
    server.destroy();
  }
});

Deno.test("a server of the platform sends its whole `ca` along with its chain", async () => {
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem, foreign.pem] },
    { ca: [root.pem] },
    ({ client: near }) => {
      assert.equal(handleOf(near).getPeerCertificateChain().certificates.length, 3);
    },
  );
});

Deno.test("a server of the platform that rejects a client does not give it the reason", async () => {
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem], rejectUnauthorized: true },
    { ...shows(client["foreign-authority"]()), ca: [root.pem] },
    async ({ client: near, clientCode, server: far }) => {
      assert.equal(clientCode, undefined);
      assert.equal(far, undefined);
      const reported: Error[] = [];
      near.on("error", (error) => reported.push(error));
      near.resume();
      await new Promise<void>((resolve) => near.once("close", () => resolve()));
      assert.deepEqual(reported, []);
    },
  );
});

Deno.test("to the platform an empty `ca` trusts nobody", async () => {
  await shakeHands({ ...shows(worker.fine()), ca: [root.pem] }, { ca: [] }, ({ clientCode }) => {
    assert.notEqual(clientCode, undefined);
  });
});

Deno.test("a strict client of the platform shows nothing to a server it does not trust", async () => {
  await shakeHands(
    { ...shows(worker["foreign-authority"]()), ca: [root.pem] },
    { ...shows(client.fine()), ca: [root.pem] },
    ({ clientCode, server: far }) => {
      assert.notEqual(clientCode, undefined);
      assert.equal(far, undefined);
    },
  );
});

Deno.test("an alert that was received is reported in these words, and nothing else is", async () => {
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem], minVersion: "TLSv1.3" },
    { ca: [root.pem], maxVersion: "TLSv1.2" },
    ({ clientMessage, serverCode }) => {
      assert.equal(clientMessage, "received fatal alert: ProtocolVersion");
      // Our own failure has the code of an alert that nobody sent: only the text distinguishes them.
      assert.equal(serverCode, "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE");
    },
  );
});

Deno.test("TLS over a duplex stream keeps its alerts to itself until they are fetched", async () => {
  using pair = await tcpPair();
  const far = new Tls(duplexOver(pair.far) as never, {
    isServer: true,
    secureContext: createSecureContext({ ...shows(worker.fine()), minVersion: "TLSv1.3" }),
  });
  const failed = Promise.withResolvers<Uint8Array>();
  handleOf(far).onerror = () => failed.resolve(handleOf(far).drainEncOut());
  const near = connect({ socket: pair.near, ca: [root.pem], maxVersion: "TLSv1.2" });
  near.on("error", () => {});
  const alert = await failed.promise;
  assert.deepEqual([...alert], [0x15, 3, 3, 0, 2, 2, 70]);
  near.destroy();
});

Deno.test("TLS that cannot use its certificate fails with this code before a byte is sent", async () => {
  using pair = await tcpPair();
  const { cert, key } = shows(client["unknown-critical-extension"]());
  const near = connect({ socket: pair.near, ca: [root.pem], cert, key });
  const error = await new Promise<Error>((resolve) => near.once("error", resolve));
  assert.equal(codeOf(error), "ERR_SSL_UNSUPPORTED_PROTOCOL");
});

Deno.test("a TLS socket that is paused goes on reading from the socket below", async () => {
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem] },
    { ...shows(client.fine()), ca: [root.pem] },
    async ({ client: near, server: far }) => {
      assert.ok(far !== undefined);
      far.on("data", () => {});
      far.pause();
      const sent = 32 * 1024 * 1024;
      await new Promise<void>((resolve) => near.write(new Uint8Array(sent), () => resolve()));
      assert.ok(far.bytesRead > sent / 2, `${far.bytesRead} bytes were read`);
    },
  );
});
