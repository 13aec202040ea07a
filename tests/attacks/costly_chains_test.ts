/** Chains that cost as much as a verdict may, shown to both ends. */
import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { routine } from "../../src/contract/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { forge, type Forged, general } from "../support/forge.ts";

const WORKER = "spiffe://example.org/worker";
const add = routine("costly.add", (a: number, b: number) => a + b);

const root = forge({ subject: "root", authority: true });
const pem = ({ der }: Forged) => writePem("CERTIFICATE", der);
const shown = (own: Forged, ...authorities: readonly Forged[]) => ({
  ca: pem(root),
  cert: [own, ...authorities].map(pem).join(""),
  key: String(own.keys.privateKey.export({ type: "pkcs8", format: "pem" })),
});
const names = [general.uri(WORKER), general.ip(127, 0, 0, 1)];
const ours = () => shown(forge({ issuer: root, names }));
const namesakes = Array.from({ length: 7 }, () => forge({ subject: "root", authority: true }));
const costly = shown(forge({ issuer: namesakes[0]!, names }), ...namesakes);

const serving = () =>
  WorkerServer.start({
    listen: "127.0.0.1:0",
    routines: [add],
    credentials: Credentials.fromPem(ours()),
    allow: WORKER,
  });

const calling = (addresses: readonly string[]) =>
  Dispatcher.open({
    discovery: `static:${addresses.join(",")}`,
    credentials: Credentials.fromPem(ours()),
    identity: WORKER,
  });

Deno.test("a worker refuses clients whose chains cost the most, and serves others meanwhile", async () => {
  await using worker = await serving();
  await using dispatcher = await calling([worker.address]);
  const port = Number(worker.address.split(":").at(-1));
  const stranger = async (): Promise<string> => {
    using conn = await Deno.connectTls({
      hostname: "127.0.0.1",
      port,
      caCerts: [costly.ca],
      cert: costly.cert,
      key: costly.key,
      alpnProtocols: ["h2"],
    });
    let text = "";
    const bytes = new Uint8Array(1024);
    for (let n; (n = await conn.read(bytes)) !== null;) {
      text += new TextDecoder("latin1").decode(bytes.subarray(0, n));
    }
    return text;
  };
  const strangers = Array.from({ length: 16 }, stranger);
  for (let i = 0; i < 50; i++) assert.equal(await dispatcher.call(add, [i, 1]), i + 1);
  for (const text of await Promise.all(strangers)) {
    assert.match(text, /"refused":"untrusted-authority"/);
  }
});

Deno.test("a dispatcher's first call succeeds beside an endpoint whose chain costs the most", async () => {
  const impostor = createServer({ cert: costly.cert, key: costly.key, ALPNProtocols: ["h2"] });
  impostor.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => impostor.listen(0, "127.0.0.1", resolve));
  const { port } = impostor.address() as { port: number };
  await using worker = await serving();
  {
    await using dispatcher = await calling([`127.0.0.1:${port}`, worker.address]);
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  impostor.close(() => resolve());
  await promise;
});
