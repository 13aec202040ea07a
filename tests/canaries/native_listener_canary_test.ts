/**
 * What `Deno.listenTls` does today. A test that fails here after an upgrade says that it can do more, or breaks
 * otherwise: see `src/channel/native_listener.ts` and `src/channel/native_acceptance.ts`, and `nativeTls`, which
 * is offered only for one-way TLS whose credentials never change.
 */
import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import { connect, type ConnectionOptions } from "node:tls";
import {
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { startChild } from "./child.ts";
import { codeOf } from "./tls_pair.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

const shows = ({ chainPem, keyPem }: TestCertificate) => ({ cert: chainPem, key: keyPem });

Deno.test("`Deno.listenTls` cannot ask a client for its certificate", async () => {
  const { cert, key } = shows(worker.fine());
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const [near, far] = await Promise.all([
    Deno.connectTls({
      hostname: "localhost",
      port: listener.addr.port,
      caCerts: [root.pem],
      ...shows(client.fine()),
      unsafelyDisableHostnameVerification: true,
    } as Deno.ConnectTlsOptions),
    listener.accept(),
  ]);
  const reported = await far.handshake();
  assert.deepEqual(Object.keys(reported), ["alpnProtocol"]);
  assert.equal("peerCertificate" in far, false);
  near.close();
  far.close();
});

Deno.test("`Deno.listenTls` reports what broke a handshake in these words", async () => {
  const { cert, key } = shows(worker.fine());
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert,
    key,
    alpnProtocols: ["h2"],
  });
  const { port } = listener.addr;
  const broken = async (begin: () => { destroy(): void }): Promise<string> => {
    const near = begin();
    const far = await listener.accept();
    try {
      await far.handshake();
      return "nothing broke";
    } catch (error) {
      return String(error);
    } finally {
      far.close();
      near.destroy();
    }
  };
  const overTls = (options: ConnectionOptions) => () => {
    const near = connect({ host: "127.0.0.1", port, ...options });
    near.on("error", () => {});
    return near;
  };
  const plaintext = () => {
    const near = connectTcp(port, "127.0.0.1", () => near.write("PRI * HTTP/2.0\r\n\r\n"));
    return near.on("error", () => {});
  };
  assert.equal(
    await broken(plaintext),
    "InvalidData: received corrupt message of type InvalidContentType",
  );
  assert.equal(
    await broken(overTls({ ca: [root.pem], ALPNProtocols: ["http/1.1"] })),
    "InvalidData: peer doesn't support any known protocol",
  );
  assert.equal(
    await broken(overTls({ ca: [foreign.pem], ALPNProtocols: ["h2"] })),
    "InvalidData: received fatal alert: UnknownCA",
  );
});

// Revisit: the generations of src/channel/acceptance.ts, which swap behind one listener for this.
Deno.test("`Deno.listenTls` on a port that another listens on fails, and to close that one loses who waits there", async () => {
  // No connection of others takes this address for its own end while nobody listens there.
  const hostname = "127.0.2.2";
  const options = { hostname, ...shows(worker.fine()) };
  const before = Deno.listenTls({ ...options, port: 0 });
  const { port } = before.addr;
  assert.throws(() => Deno.listenTls({ ...options, port }), Deno.errors.AddrInUse);
  const waiting = connectTcp(port, hostname);
  await new Promise((resolve) => waiting.once("connect", resolve));
  const lost = new Promise<Error>((resolve) => waiting.once("error", resolve));
  before.close();
  using _after = Deno.listenTls({ ...options, port });
  waiting.resume();
  assert.equal(codeOf(await lost), "ECONNRESET");
});

Deno.test("a listener that shares its port takes an unstable flag, and ends the process without it", async () => {
  const script = `Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort: true });`;
  await using child = startChild(script, {});
  const { code, errors } = await child.ended;
  assert.notEqual(code, 0);
  assert.match(errors, /--unstable-net/);
});

Deno.test("`Deno.listenTls` knows no option for the version of TLS", async () => {
  for (const option of ["minVersion", "minTlsVersion", "protocol"]) {
    const options = { ...shows(worker.fine()), [option]: "TLSv1.3" };
    using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...options });
    const near = connect({
      host: "127.0.0.1",
      port: listener.addr.port,
      ca: [root.pem],
      maxVersion: "TLSv1.2",
      checkServerIdentity: () => undefined,
    });
    const far = await listener.accept();
    const [version] = await Promise.all([
      new Promise((resolve, reject) => {
        near.once("secureConnect", () => resolve(near.getProtocol())).once("error", reject);
      }),
      far.handshake(),
    ]);
    assert.equal(version, "TLSv1.2");
    near.destroy();
    far.close();
  }
});
