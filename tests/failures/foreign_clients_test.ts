/** Clients that nobody here wrote against our worker: what it finds in them, and what they say of it. */
import assert from "node:assert/strict";
import { ForeignProcess } from "../attacks/foreign_process.ts";
import type { HandshakeSide, PeerReason } from "../../src/errors/mod.ts";
import type { RefusalReason } from "../../src/observe/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { testWithTool } from "../foreign/tool.ts";
import {
  type CertificateShape,
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { goPeer, TOOLS } from "./foreign/programs.ts";
import { countHandshakes, next, startWorker } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const HOST = "worker.pool.internal";
const ofClient = certificateShapes(authorities, CLIENT_ID);
const fineClient = ofClient.fine();
const handshakes = countHandshakes();

/** One connection that a foreign client makes. */
interface Attempt {
  readonly worker: WorkerServer;
  readonly certificate?: TestCertificate | undefined;
  readonly maxVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  readonly alpn?: readonly string[] | undefined;
}

/** Has a foreign client connect once, verify the worker, and leave when it is answered or refused. */
type Connect = (attempt: Attempt) => Promise<void>;

type ClientKind = "Node" | "Go" | "curl";

const CONNECT: Readonly<Record<ClientKind, Connect>> = {
  Node: async ({ worker, certificate, maxVersion, alpn }) => {
    await using peer = new ForeignProcess("foreign_client.mjs", {
      ca: root.pem,
      cert: certificate?.chainPem,
      key: certificate?.keyPem,
      rejectUnauthorized: true,
      steps: [{ port: portOf(worker), leaveOnData: true, maxVersion, alpn }],
    });
    await peer.done();
  },
  Go: async ({ worker, certificate, maxVersion, alpn = ["h2"] }) => {
    const step = {
      port: portOf(worker),
      ca: root.pem,
      cert: certificate?.chainPem,
      key: certificate?.keyPem,
      serverName: HOST,
      maxVersion,
      alpn,
    };
    await using peer = new ForeignProcess(await goPeer(), { steps: [step] });
    await peer.done();
  },
  curl: async ({ worker, certificate, maxVersion, alpn }) => {
    const folder = await Deno.makeTempDir();
    try {
      const args = ["--silent", "--max-time", "10", "--cacert", `${folder}/ca.pem`];
      args.push("--connect-to", `${HOST}:443:127.0.0.1:${portOf(worker)}`);
      args.push(alpn === undefined ? "--http2" : "--http1.1");
      if (maxVersion !== undefined) args.push("--tls-max", maxVersion.slice("TLSv".length));
      await Deno.writeTextFile(`${folder}/ca.pem`, root.pem);
      if (certificate !== undefined) {
        await Deno.writeTextFile(`${folder}/cert.pem`, certificate.chainPem);
        await Deno.writeTextFile(`${folder}/key.pem`, certificate.keyPem);
        args.push("--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`);
      }
      await new Deno.Command("curl", { args: [...args, `https://${HOST}/`], stdout: "null" })
        .output();
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

function portOf({ address }: WorkerServer): string {
  return address.slice(address.lastIndexOf(":") + 1);
}

/** What a worker says of a client's certificate: the same for every client. */
const CLIENTS: readonly (readonly [CertificateShape | "none", PeerReason])[] = [
  ["none", "client-certificate-required"],
  ["foreign-authority", "untrusted-authority"],
  ["expired", "certificate-expired"],
  ["not-yet-valid", "certificate-not-yet-valid"],
  ["server-only", "certificate-unsuitable"],
  ["other-identity", "subject-not-allowed"],
];

/** What is wrong with a worker's certificate. */
const WORKERS = {
  "foreign authority": () => workerWith({ issuer: authorities.foreign }),
  "self-signed": () =>
    makeCertificate({ name: "peer", names: [{ dns: HOST }, { uri: WORKER_ID }] }),
  "intermediate missing": () => {
    const shown = workerWith({ issuer: authorities.intermediate });
    return { ...shown, chainPem: shown.pem };
  },
  "expired": () =>
    workerWith({ notBefore: Date.now() - 7_200_000, notAfter: Date.now() - 3_600_000 }),
  "not yet valid": () => workerWith({ notBefore: Date.now() + 3_600_000 }),
  "client only": () => workerWith({ usages: ["client"] }),
  "other identity": () => workerWith({ names: [{ dns: "other.pool.internal" }] }),
} satisfies Record<string, () => TestCertificate>;

function workerWith(options: Parameters<typeof makeCertificate>[0]): TestCertificate {
  return makeCertificate({
    name: "peer",
    names: [{ dns: HOST }, { uri: WORKER_ID }],
    issuer: root,
    ...options,
  });
}

/** The worker's word for what a client said, and the alert; without one the client only hung up. */
type Said = readonly [RefusalReason, alert?: string];

const HUNG_UP: Said = ["handshake-aborted"];
const UNKNOWN: Said = ["untrusted-authority", "unknown_ca"];
/** What says that the certificate will not do, and no more. */
const BAD: Said = ["tls-alert", "bad_certificate"];

const SAID: Readonly<Record<ClientKind, Readonly<Record<keyof typeof WORKERS, Said>>>> = {
  // Node verifies after the handshake, and hangs up.
  Node: {
    "foreign authority": HUNG_UP,
    "self-signed": HUNG_UP,
    "intermediate missing": HUNG_UP,
    "expired": HUNG_UP,
    "not yet valid": HUNG_UP,
    "client only": HUNG_UP,
    "other identity": HUNG_UP,
  },
  Go: {
    "foreign authority": BAD,
    "self-signed": BAD,
    "intermediate missing": BAD,
    "expired": BAD,
    "not yet valid": BAD,
    "client only": BAD,
    "other identity": BAD,
  },
  curl: {
    "foreign authority": UNKNOWN,
    "self-signed": UNKNOWN,
    "intermediate missing": UNKNOWN,
    "expired": ["certificate-expired", "certificate_expired"],
    "not yet valid": BAD,
    "client only": ["certificate-unsuitable", "unsupported_certificate"],
    // The name is looked at after the handshake.
    "other identity": HUNG_UP,
  },
};

/** Connects once; the worker must report exactly this. */
async function refusal(
  connect: Connect,
  attempt: Attempt,
  expected: { side: HandshakeSide; reason: RefusalReason; alert?: string | undefined },
): Promise<void> {
  using events = attempt.worker.events();
  handshakes();
  await connect(attempt);
  const { side, reason, peerReason, evidence } = await next(events, "handshake.refused");
  const { alert } = evidence;
  assert.deepEqual({ side, reason, alert }, { alert: undefined, ...expected });
  const reported = side === "dispatcher" && alert !== undefined && reason !== "tls-alert";
  assert.equal(peerReason, reported ? reason : undefined);
  const { "worker ok": _accepted, ...counts } = handshakes();
  assert.deepEqual(counts, { [`${side} ${reason}`]: 1 });
}

for (const kind of ["Node", "Go", "curl"] as const) {
  const tool = { path: undefined, ...TOOLS[kind] };
  const connect = CONNECT[kind];

  testWithTool(tool, `a worker names what is wrong with ${kind}'s certificate`, async (_, t) => {
    await using worker = await startWorker({ certificate: workerWith({}), trusts: [root] });
    for (const [shape, reason] of CLIENTS) {
      await t.step(`${shape}: ${reason}`, async () => {
        const certificate = shape === "none" ? undefined : ofClient[shape]();
        await refusal(connect, { worker, certificate }, { side: "worker", reason });
      });
    }
    await t.step("only TLS 1.2: protocol-mismatch", async () => {
      await refusal(connect, { worker, certificate: fineClient, maxVersion: "TLSv1.2" }, {
        side: "worker",
        reason: "protocol-mismatch",
        alert: "protocol_version",
      });
    });
    await t.step("another protocol by ALPN: protocol-mismatch", async () => {
      await refusal(connect, { worker, certificate: fineClient, alpn: ["http/1.1"] }, {
        side: "worker",
        reason: "protocol-mismatch",
      });
    });
    await t.step("TLS 1.2, where the worker allows it, and a foreign authority", async () => {
      await using older = await startWorker({ certificate: workerWith({}), trusts: [root] }, {
        minTlsVersion: "TLSv1.2",
      });
      const certificate = ofClient["foreign-authority"]();
      await refusal(connect, { worker: older, certificate, maxVersion: "TLSv1.2" }, {
        side: "worker",
        reason: "untrusted-authority",
      });
      using events = older.events();
      await connect({ worker: older, certificate: fineClient, maxVersion: "TLSv1.2" });
      assert.equal((await next(events, "peer.accepted")).peer.identity, CLIENT_ID);
    });
    await t.step("fine: accepted", async () => {
      using events = worker.events();
      await connect({ worker, certificate: fineClient });
      assert.equal((await next(events, "peer.accepted")).peer.identity, CLIENT_ID);
    });
  });

  testWithTool(tool, `a worker names what ${kind} says of its certificate`, async (_, t) => {
    for (const [wrong, make] of Object.entries(WORKERS)) {
      const [reason, alert] = SAID[kind][wrong as keyof typeof WORKERS];
      await t.step(`${wrong}: ${reason} ${alert ?? ""}`.trim(), async () => {
        await using worker = await startWorker({ certificate: make(), trusts: [root] });
        await refusal(connect, { worker, certificate: fineClient }, {
          side: "dispatcher",
          reason,
          alert,
        });
      });
    }
  });
}
