import assert from "node:assert/strict";
import { createServer, type TLSSocket } from "node:tls";
import { createServer as createPlainServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { createAuthority } from "../../src/credentials/mod.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { forge, type Forged, general, OID } from "../support/forge.ts";
import { selvage, startWorker } from "./command.ts";
import { inProcess } from "./in_process.ts";
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
  assert.match(out, /^ok +TLS +TLSv1\.3, \w+, key exchange x25519, ALPN h2$/m);
  assert.match(out, /(24h|23h 59m|1d) left/);
});

Deno.test("doctor marks a certificate that no path needs as stray", async () => {
  const pki = await issue();
  const chain = pki.file("worker.pem");
  const stray = createAuthority({ name: "stray" }).certPem;
  await Deno.writeTextFile(chain, await Deno.readTextFile(chain) + stray);
  await using worker = await startWorker([MODULE, ...pki.flags("worker"), "--allow", "*"]);
  const flags = ["--endpoint", worker.address, ...pki.flags("client")];
  const { code, out } = await inProcess(["doctor", ...flags, "--identity", "spiffe://x/worker"]);
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
    const { code, out, err } = await inProcess([
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
  const { code, out } = await inProcess(["doctor", "--endpoint", listening.address, "--json"]);
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
  const seen = Promise.withResolvers<void>();
  const server = createServer({
    cert,
    key,
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  });
  // The command may have ended, and its connection with it, before the server is done with the handshake.
  const see = (socket: TLSSocket) => {
    shown.push(socket.getPeerCertificate()?.subject);
    seen.resolve();
  };
  server.on("secureConnection", see);
  server.on("tlsClientError", (_error, socket) => see(socket));
  await using listening = await listen(server);
  const { code } = await inProcess([
    "doctor",
    "--endpoint",
    listening.address,
    ...pki.flags("client"),
    "--identity",
    "dns:worker",
  ]);
  assert.equal(code, 4);
  await seen.promise;
  assert.deepEqual(shown.filter((subject) => subject !== undefined), []);
});

Deno.test("doctor reports what else lives on a port", async () => {
  const banner = createPlainServer((socket) => socket.end("SSH-2.0-Sealed_1.0\r\n"));
  await using listening = await listen(banner);
  const spoken = await inProcess(["doctor", "--endpoint", listening.address, "--json"]);
  assert.equal(spoken.code, 4);
  const { steps }: Report = JSON.parse(spoken.out);
  assert.equal(steps.at(-1)?.problem?.reason, "plaintext-peer");
});

Deno.test("doctor says of a worker that asks for no certificate that none was shown", async () => {
  const pki = await issue();
  const own = pki.flags("worker").slice(2);
  await using oneWay = await startWorker([MODULE, "--one-way", ...own]);
  const socket = `unix:${await Deno.makeTempDir()}/worker.sock`;
  await using _plain = await startWorker([MODULE, "--listen", socket]);
  const ca = ["--ca", pki.file("ca.pem"), "--identity", "spiffe://x/worker"];
  const overTls = await inProcess(["doctor", "--endpoint", oneWay.address, ...ca]);
  assert.match(overTls.out, /^ok +handshake +the worker takes callers that show no certificate$/m);
  const plain = await inProcess(["doctor", "--endpoint", socket]);
  assert.match(plain.out, /^ok +handshake +in plaintext, as calls without credentials are$/m);
});

Deno.test("doctor advises about a plaintext port by what was given", async () => {
  await using worker = await startWorker([MODULE]);
  const advice = async (...flags: string[]) => {
    const { out } = await inProcess(["doctor", "--json", "--endpoint", worker.address, ...flags]);
    const { steps }: Report = JSON.parse(out);
    return steps.at(-1)?.problem?.evidence?.advice;
  };
  const pki = await issue();
  assert.match(await advice(...pki.flags("client")) ?? "", /^dial it without credentials if /);
  assert.match(
    await advice() ?? "",
    /^if a worker listens there, calls without credentials reach /,
  );
});

Deno.test("doctor gives up on a port that says nothing, and on one where nobody is", async () => {
  const silent = createPlainServer(() => {});
  await using listening = await listen(silent);
  // Long enough for the connect, which comes before the silence, also on a busy machine.
  const args = ["--json", "--timeout", "3000"];
  const late = await inProcess(["doctor", "--endpoint", listening.address, ...args]);
  assert.equal(late.code, 4);
  const { steps }: Report = JSON.parse(late.out);
  assert.equal(steps.at(-1)?.problem?.reason, "handshake-timeout");
  const nobody = await inProcess(["doctor", "--endpoint", "127.0.0.1:1", ...args]);
  assert.equal(nobody.code, 6);
});

interface Report {
  readonly ok: boolean;
  readonly steps: readonly {
    readonly step: string;
    readonly outcome: string;
    readonly advice?: readonly { readonly rule: string }[];
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

Deno.test("doctor --as says of files what peers would say, before they are deployed", async () => {
  const pki = await issue();
  const other = await issue();
  const examine = async (as: string, ...flags: string[]) => {
    const { code, out, err } = await inProcess(["doctor", "--as", as, "--json", ...flags]);
    const { ok, steps }: Report = JSON.parse(out || err);
    return { code, ok, last: steps?.at(-1) };
  };
  const good = await examine("worker", ...pki.flags("worker"));
  assert.equal(good.code, 0);
  assert.equal(good.ok, true);
  const swapped = pki.flags("worker").with(-1, pki.file("client.key"));
  const mismatch = await examine("worker", ...swapped);
  assert.equal(mismatch.code, 2);
  assert.equal(mismatch.last?.problem?.reason, "own-certificate-invalid");
  const foreign = await examine("client", ...pki.flags("client").with(1, other.file("ca.pem")));
  assert.equal(foreign.code, 4);
  assert.equal(foreign.last?.problem?.reason, "untrusted-authority");
  const named = await examine("worker", ...pki.flags("worker"), "--identity", "spiffe://x/client");
  assert.equal(named.last?.problem?.reason, "identity-mismatch");
  assert.equal((await inProcess(["doctor", "--as", "worker"])).code, 2);
  assert.equal((await inProcess(["doctor", "--as", "worker", "--endpoint", "x:1"])).code, 2);
});

Deno.test("doctor --as gives the advice that a worker logs when it starts, also on authorities", async () => {
  const folder = await Deno.makeTempDir();
  const root = forge({
    subject: "root",
    authority: true,
    purposes: [OID.serverAuth, OID.clientAuth],
  });
  const own = forge({ issuer: root, names: [general.uri("spiffe://x/worker")], purposes: [] });
  const flags = await Promise.all(
    Object.entries({
      ca: writePem("CERTIFICATE", root.der),
      cert: writePem("CERTIFICATE", own.der),
      key: own.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    }).map(async ([name, text]) => {
      const path = join(folder, `${name}.pem`);
      await Deno.writeTextFile(path, text, { mode: 0o600 });
      return [`--${name}`, path];
    }),
  );
  const { code, out } = await inProcess(["doctor", "--as", "worker", "--json", ...flags.flat()]);
  assert.equal(code, 0, out);
  const rules = (JSON.parse(out) as Report).steps.flatMap(({ advice = [] }) =>
    advice.map(({ rule }) => rule)
  );
  assert.deepEqual(rules, ["leaf.purpose", "authority.purpose"]);
});

Deno.test("doctor --discover examines every worker of a fleet, in one table", async () => {
  const pki = await issue();
  const serve = (name: string) =>
    startWorker([MODULE, ...pki.flags(name), "--allow", "spiffe://x/client"]);
  await using good = await serve("worker");
  await using odd = await serve("stranger");
  const examine = (addresses: string[], ...flags: string[]) =>
    inProcess([
      ...["doctor", "--discover", `static:${addresses.join(",")}`, ...pki.flags("client")],
      ...["--identity", "spiffe://x/worker", ...flags],
    ]);
  const all = await examine([good.address]);
  assert.equal(all.code, 0, all.out + all.err);
  assert.match(all.out, /^ok +127[.\d:]+ +spiffe:\/\/x\/worker +20[^]*^1 worker: all is well$/m);
  const some = await examine([good.address, odd.address, "127.0.0.1:1"]);
  assert.equal(some.code, 4, some.err);
  assert.match(some.out, /^FAIL +127[.\d:]+ +- +20\S+ \S+ +identity-mismatch$/m);
  assert.match(some.out, /^FAIL +127\.0\.0\.1:1 .*WorkerUnavailable$/m);
  assert.match(some.out, /^3 workers: 2 with a problem$/m);
  const json = JSON.parse((await examine([good.address, odd.address], "--json")).out);
  assert.deepEqual(json.workers.map(({ ok }: { ok: boolean }) => ok), [true, false]);
  assert.equal(json.workers[0].identity, "spiffe://x/worker");
  assert.equal(json.workers[1].problem.reason, "identity-mismatch");
});

Deno.test("doctor of a worker that is down says what to look at", async () => {
  const { code, out } = await inProcess(["doctor", "--endpoint", "127.0.0.1:1"]);
  assert.equal(code, 6, out);
  assert.match(
    out,
    /^FAIL +TCP\n +found +no connection to 127\.0\.0\.1:1: ECONNREFUSED\n +do +see/m,
  );
});

Deno.test("doctor marks the certificate of a chain that has expired, not only the trust in it", async () => {
  const past = { notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 };
  const root = forge({ subject: "root", authority: true });
  const authority = { subject: "intermediate", issuer: root, authority: true } as const;
  const renewed = forge(authority);
  const expired = forge({ ...authority, keys: renewed.keys, ...past });
  const leaf = forge({ issuer: renewed, names: [general.dns("worker.internal")] });
  const lines = await examinedFiles([leaf, expired], root);
  assert.match(lines, /^ok +certificate +CN=/m);
  assert.match(lines, /^FAIL +issuer 1 +CN=intermediate$/m);
  assert.match(lines, /^FAIL +trust$/m);
  const both = await examinedFiles([leaf, expired, renewed], root);
  assert.match(
    both,
    /^skip +issuer 1 +CN=intermediate \(stray: no path needs it, it is ignored\)$/m,
  );
  assert.match(both, /^ok +issuer 2 +CN=intermediate$/m);
  assert.match(both, /^ok +trust/m);
});

async function examinedFiles(chain: readonly Forged[], root: Forged): Promise<string> {
  const folder = await Deno.makeTempDir();
  const file = (name: string) => join(folder, name);
  const pem = (certificates: readonly Forged[]) =>
    certificates.map(({ der }) => writePem("CERTIFICATE", der)).join("");
  const key = chain[0]!.keys.privateKey.export({ type: "pkcs8", format: "pem" });
  await Deno.writeTextFile(file("ca.pem"), pem([root]));
  await Deno.writeTextFile(file("chain.pem"), pem(chain));
  await Deno.writeTextFile(file("chain.key"), String(key));
  const flags = ["--ca", file("ca.pem"), "--cert", file("chain.pem"), "--key", file("chain.key")];
  return (await inProcess(["doctor", "--as", "worker", ...flags])).out;
}
