/** What doctor makes of servers that nobody here wrote, and what it shows them of us. */
import assert from "node:assert/strict";
import { createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { ForeignProcess } from "../attacks/foreign_process.ts";
import { examine } from "../../src/cli/doctor/examine.ts";
import type { Step } from "../../src/cli/doctor/report.ts";
import { testWithTool } from "../foreign/tool.ts";
import {
  type CertificateShape,
  certificateShapes,
  makeAuthorities,
} from "../support/certificates.ts";
import { CLIENT_ID, type Shown, WORKER_ID } from "../support/peers.ts";
import { type ForeignListener, startForeign, TOOLS } from "./foreign/programs.ts";
import { credentialsOf } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const ofClient = certificateShapes(authorities, CLIENT_ID);
const CLIENT: Shown = { certificate: ofClient.fine(), trusts: [root] };

function examined(endpoint: string, shown = CLIENT): Promise<Step[]> {
  return Array.fromAsync(examine({
    endpoint,
    identity: [WORKER_ID],
    credentials: credentialsOf(shown),
    timeoutMs: 5_000,
  }));
}

/** Each step in a few words: what, how it ended, and why it failed. */
function words(steps: readonly Step[]): readonly string[] {
  return steps.map(({ step, outcome, problem }) =>
    [step, outcome, problem?.reason, problem?.peerReason].filter((word) => word !== undefined)
      .join(" ")
  );
}

const PROVEN = ["certificate passed", "trust passed", "own-certificate passed"];

/** Servers that doctor's dispatcher would not reach, and what it reports of them all the same. */
const REFUSING: readonly (readonly [string, Partial<ForeignListener>, readonly string[]])[] = [
  ["only TLS 1.2, and ends the handshake of a client that shows no certificate", {
    client: true,
    maxVersion: "TLSv1.2",
  }, ["tcp passed", "tls passed", ...PROVEN, "handshake failed protocol-mismatch"]],
  ["only HTTP/1.1", { alpn: ["http/1.1"] }, [
    "tcp passed",
    "tls failed protocol-mismatch",
    ...PROVEN,
    "handshake failed protocol-mismatch",
  ]],
  ["another authority for clients", { client: true, ca: authorities.foreign }, [
    "tcp passed",
    "tls passed",
    ...PROVEN,
    "handshake failed client-certificate-refused untrusted-authority",
  ]],
];

testWithTool(
  { path: undefined, ...TOOLS.Go },
  "doctor explains a server that would refuse us",
  async (_, t) => {
    const listeners = REFUSING.map(([name, server]) => ({
      name,
      certificate: ofWorker.fine(),
      ca: root,
      ...server,
    }));
    await using servers = await startForeign("Go", listeners);
    for (const [name, , expected] of REFUSING) {
      await t.step(name, async () => {
        assert.deepEqual(words(await examined(servers.address(name))), expected);
      });
    }
  },
);

const UNTRUSTED: readonly CertificateShape[] = [
  "foreign-authority",
  "expired",
  "other-identity",
  "version-1",
  "misencoded",
  "several-uri-sans",
];

for (const maxVersion of ["TLSv1.3", "TLSv1.2"]) {
  for (const demands of [false, true]) {
    const whom = `a server of ${maxVersion} that ${demands ? "demands" : "asks for"} a certificate`;
    Deno.test(`doctor shows nothing of ours to ${whom} and is not trusted`, async (t) => {
      for (const shape of UNTRUSTED) {
        await t.step(shape, async () => {
          const certificate = ofWorker[shape]();
          await using server = new ForeignProcess("foreign_server.mjs", {
            cert: certificate.chainPem,
            key: certificate.keyPem,
            ca: root.pem,
            requestCert: true,
            rejectUnauthorized: demands,
            maxVersion,
          });
          const { port } = await server.until("listening");
          const steps = words(await examined(`127.0.0.1:${port}`));
          assert.ok(steps.some((step) => step.startsWith("trust failed")), steps.join());
          assert.equal(steps.at(-1), "handshake skipped");
          // A server that is shown nothing either sees nothing, or breaks the handshake for want of it.
          const { shown, code } = await server.until(demands ? "refused" : "secure");
          assert.equal(shown ?? null, null);
          assert.equal(code, demands ? "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE" : undefined);
          assert.equal(server.of("secure").length + server.of("refused").length, 1);
        });
      }
    });
  }
}

Deno.test("doctor shows our certificate to a server that is trusted, and to no other", async () => {
  const certificate = ofWorker.fine();
  await using server = new ForeignProcess("foreign_server.mjs", {
    cert: certificate.chainPem,
    key: certificate.keyPem,
    ca: root.pem,
    requestCert: true,
    hangUp: true,
  });
  const { port } = await server.until("listening");
  const steps = words(await examined(`127.0.0.1:${port}`));
  assert.equal(steps.at(-1), "handshake failed handshake-aborted");
  assert.deepEqual([
    (await server.until("secure", 1))["shown"],
    (await server.until("secure", 2))["shown"],
  ], [null, "CN=peer"]);
});

/** What a server shows that changes with each connection, and what it was shown on the second. */
async function examinedTwice(
  first: "hangs up" | CertificateShape,
  second: CertificateShape,
): Promise<{ readonly steps: readonly string[]; readonly shown: unknown }> {
  const { promise: shown, resolve: see } = Promise.withResolvers<unknown>();
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => see(undefined));
    sockets.push(socket);
    if (sockets.length > 1) showing(second, see).emit("connection", socket);
    else if (first !== "hangs up") showing(first, () => {}).emit("connection", socket);
    else socket.once("data", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  try {
    const steps = words(await examined(`127.0.0.1:${port}`));
    return { steps, shown: await shown };
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** A server that asks for a certificate, and reports what it sees. */
function showing(shape: CertificateShape, see: (subject: unknown) => void): TlsServer {
  const { chainPem: cert, keyPem: key } = ofWorker[shape]();
  const server = createTlsServer({
    cert,
    key,
    ca: [root.pem],
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  }, (socket) => {
    see(socket.getPeerCertificate().subject);
    socket.on("error", () => {});
    socket.end();
  });
  return server.on("tlsClientError", () => see(undefined));
}

Deno.test("doctor shows nothing of ours to a server that hangs up on a probe, and then serves", async () => {
  const { steps, shown } = await examinedTwice("hangs up", "version-1");
  assert.deepEqual(steps, ["tcp passed", "tls failed certificate-unsuitable"]);
  assert.equal(shown, undefined);
});

for (const shape of ["version-1", "misencoded", "other-identity"] as const) {
  Deno.test(`doctor shows nothing of ours to a server that is proven first, and then shows a certificate that is ${shape}`, async () => {
    const { steps, shown } = await examinedTwice("fine", shape);
    assert.equal(steps.find((step) => step.startsWith("trust")), "trust passed");
    assert.match(steps.at(-1) ?? "", /^handshake failed (certificate-un|untrusted-|identity-)/);
    assert.equal(shown, undefined);
  });
}

Deno.test("doctor shows our certificate once the server is proven again", async () => {
  const { steps, shown } = await examinedTwice("fine", "fine");
  assert.equal(steps.at(-1), "handshake failed handshake-aborted");
  assert.deepEqual({ ...shown as object }, { CN: "peer" });
});
