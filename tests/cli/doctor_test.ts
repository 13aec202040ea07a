import assert from "node:assert/strict";
import { createServer, type TLSSocket } from "node:tls";
import { createServer as createPlainServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { createAuthority } from "../../src/credentials/mod.ts";
import { selvage, startWorker } from "./command.ts";
import { issue } from "./pki.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;

Deno.test("doctor walks through a connection that holds", async () => {
  const pki = await issue();
  await using worker = await startWorker([MODULE, ...pki.flags("worker"), "--allow", "*"]);
  const { code, out } = await selvage([
    "doctor",
    "--endpoint",
    worker.address,
    ...pki.flags("client"),
    "--identity",
    "spiffe://x/worker",
  ]);
  assert.equal(code, 0, out);
  const steps = ["TCP", "TLS", "certificate", "trust", "our certificate", "handshake"];
  for (const step of steps) assert.match(out, new RegExp(`^ok +${step}`, "m"));
  assert.match(out, /spiffe:\/\/x\/worker/);
  assert.match(out, /23 h left/);
});

Deno.test("doctor marks a certificate that no path needs as stray", async () => {
  const pki = await issue();
  const chain = pki.file("worker.pem");
  const stray = createAuthority({ name: "stray" }).certPem;
  await Deno.writeTextFile(chain, await Deno.readTextFile(chain) + stray);
  await using worker = await startWorker([MODULE, ...pki.flags("worker"), "--allow", "*"]);
  const flags = ["--endpoint", worker.address, ...pki.flags("client")];
  const { code, out } = await selvage(["doctor", ...flags, "--identity", "spiffe://x/worker"]);
  assert.equal(code, 0, out);
  assert.match(out, /^ok +issuer 1 +.*\(stray: no path needs it, it is ignored\)$/m);
  assert.doesNotMatch(out, /^ok +certificate +.*stray/m);
});

Deno.test("doctor names the check that failed, and what to do about it", async () => {
  const pki = await issue();
  await using worker = await startWorker([
    MODULE,
    ...pki.flags("worker"),
    "--allow",
    "spiffe://x/client",
  ]);
  const examine = async (...flags: string[]) => {
    const { code, out, err } = await selvage([
      "doctor",
      "--json",
      "--endpoint",
      worker.address,
      ...flags,
    ]);
    assert.equal(code, 4, out + err);
    const { ok, steps }: Report = JSON.parse(out);
    assert.equal(ok, false);
    const { step, problem } = steps.find(({ outcome }) => outcome === "failed")!;
    assert.ok(problem?.evidence?.advice !== undefined, out);
    return `${step} ${problem.reason} ${problem.peerReason ?? ""}`.trim();
  };
  const expecting = ["--identity", "spiffe://x/worker"];
  assert.equal(
    await examine(...pki.flags("client"), "--identity", "spiffe://x/other"),
    "trust identity-mismatch",
  );
  assert.equal(
    await examine("--ca", (await issue()).file("ca.pem"), ...expecting),
    "trust untrusted-authority",
  );
  assert.equal(
    await examine(...pki.flags("stranger"), ...expecting),
    "handshake client-certificate-refused subject-not-allowed",
  );
  assert.equal(
    await examine("--ca", pki.file("ca.pem"), ...expecting),
    "handshake client-certificate-required",
  );
});

Deno.test("doctor shows the certificate of any TLS server, also without credentials", async () => {
  const { certPem: cert, keyPem: key } = createAuthority().issue({ name: "shop.example" });
  const server = createServer({ cert, key });
  await using listening = await listen(server);
  const { code, out } = await selvage(["doctor", "--endpoint", listening.address, "--json"]);
  const { steps }: Report = JSON.parse(out);
  assert.deepEqual(steps.map(({ step, outcome }) => `${step} ${outcome}`), [
    "tcp passed",
    "tls failed",
    "certificate passed",
    "trust skipped",
    "handshake skipped",
  ]);
  assert.equal(steps[1]?.problem?.reason, "protocol-mismatch");
  assert.deepEqual(steps[2]?.certificate?.names, ["dns:shop.example"]);
  assert.equal(code, 4);
});

Deno.test("doctor never shows our certificate to a peer that is not proven", async () => {
  const pki = await issue();
  const { certPem: cert, keyPem: key } = createAuthority().issue({ name: "worker" });
  const shown: unknown[] = [];
  const server = createServer({
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  }, (socket: TLSSocket) => shown.push(socket.getPeerCertificate().subject));
  await using listening = await listen(server);
  const { code } = await selvage([
    "doctor",
    "--endpoint",
    listening.address,
    ...pki.flags("client"),
    "--identity",
    "dns:worker",
  ]);
  assert.equal(code, 4);
  assert.ok(shown.length > 0);
  assert.deepEqual(shown.filter((subject) => subject !== undefined), []);
});

Deno.test("doctor tells what else lives on a port", async () => {
  const banner = createPlainServer((socket) => socket.end("SSH-2.0-Sealed_1.0\r\n"));
  await using listening = await listen(banner);
  const spoken = await selvage(["doctor", "--endpoint", listening.address, "--json"]);
  assert.equal(spoken.code, 4);
  const { steps }: Report = JSON.parse(spoken.out);
  assert.equal(steps.at(-1)?.problem?.reason, "plaintext-peer");
});

Deno.test("doctor gives up on a port that says nothing, and on one where nobody is", async () => {
  const silent = createPlainServer(() => {});
  await using listening = await listen(silent);
  const args = ["--json", "--timeout", "300"];
  const late = await selvage(["doctor", "--endpoint", listening.address, ...args]);
  assert.equal(late.code, 4);
  const { steps }: Report = JSON.parse(late.out);
  assert.equal(steps.at(-1)?.problem?.reason, "handshake-timeout");
  const nobody = await selvage(["doctor", "--endpoint", "127.0.0.1:1", ...args]);
  assert.equal(nobody.code, 6);
});

interface Report {
  readonly ok: boolean;
  readonly steps: readonly {
    readonly step: string;
    readonly outcome: string;
    readonly certificate?: { readonly names: readonly string[] };
    readonly problem?: {
      readonly reason?: string;
      readonly peerReason?: string;
      readonly evidence?: { readonly advice?: string };
    };
  }[];
}

async function listen(server: Server): Promise<AsyncDisposable & { readonly address: string }> {
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
