/** Every server certificate against every client certificate, between our own two ends. */
import assert from "node:assert/strict";
import type { HandshakeReason, PeerReason } from "../../src/errors/mod.ts";
import {
  type CertificateShape,
  certificateShapes,
  denylistOf,
  makeAuthorities,
} from "../support/certificates.ts";
import { CLIENT_ID, type Shown, WORKER_ID } from "../support/peers.ts";
import { add, countHandshakes, failedCall, next, openDispatcher, startWorker } from "./ground.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const ofWorker = certificateShapes(authorities, WORKER_ID);
const ofClient = certificateShapes(authorities, CLIENT_ID);
const deniedWorker = ofWorker.fine();
const deniedClient = ofClient.fine();
const handshakes = countHandshakes();

/** A worker's certificate, and what each end says of it. */
interface WorkerRow {
  readonly shape: CertificateShape | "denied";
  /** The dispatcher's word; absent where it finds nothing wrong. */
  readonly reason?: HandshakeReason;
  /** What the worker hears: the dispatcher's alert, where the platform refuses the certificate too. */
  readonly alert?: HandshakeReason;
}

const WORKERS: readonly WorkerRow[] = [
  { shape: "fine" },
  { shape: "fine-under-intermediate" },
  { shape: "fine-rsa-2048" },
  { shape: "fine-p-384" },
  { shape: "fine-p-521" },
  { shape: "fine-ed25519" },
  { shape: "foreign-authority", reason: "untrusted-authority", alert: "untrusted-authority" },
  { shape: "namesake-authority", reason: "untrusted-authority", alert: "tls-alert" },
  { shape: "self-signed", reason: "untrusted-authority", alert: "untrusted-authority" },
  { shape: "broken-chain", reason: "untrusted-authority", alert: "untrusted-authority" },
  { shape: "missing-intermediate", reason: "untrusted-authority", alert: "untrusted-authority" },
  { shape: "misencoded", reason: "certificate-unsuitable" },
  { shape: "space-in-name", reason: "certificate-unsuitable" },
  { shape: "version-1", reason: "certificate-unsuitable" },
  { shape: "client-only", reason: "certificate-unsuitable", alert: "certificate-unsuitable" },
  { shape: "several-uri-sans", reason: "certificate-unsuitable" },
  { shape: "no-digital-signature", reason: "certificate-unsuitable" },
  { shape: "authority-as-leaf", reason: "certificate-unsuitable", alert: "tls-alert" },
  { shape: "other-identity", reason: "identity-mismatch" },
  { shape: "no-san", reason: "identity-mismatch" },
  { shape: "expired", reason: "certificate-expired", alert: "certificate-expired" },
  {
    shape: "not-yet-valid",
    reason: "certificate-not-yet-valid",
    alert: "certificate-not-yet-valid",
  },
  { shape: "denied", reason: "certificate-denied" },
];

/** A client's certificate, and the reason that a trusted worker gives it. */
const CLIENTS: readonly (readonly [CertificateShape | "none" | "denied", PeerReason?])[] = [
  ["fine"],
  ["none", "client-certificate-required"],
  ["foreign-authority", "untrusted-authority"],
  ["expired", "certificate-expired"],
  ["not-yet-valid", "certificate-not-yet-valid"],
  ["server-only", "certificate-unsuitable"],
  ["other-identity", "subject-not-allowed"],
  ["denied", "certificate-denied"],
];

/** How a handshake between the two must end: at the dispatcher, and as the worker sees it. */
interface Outcome {
  readonly dispatcher: {
    readonly side: "dispatcher" | "worker";
    readonly reason: HandshakeReason;
    readonly peerReason?: PeerReason;
  };
  readonly worker: { readonly side: "dispatcher" | "worker"; readonly reason: string };
}

function outcomeOf(
  { reason, alert }: WorkerRow,
  word: PeerReason | undefined,
): Outcome | undefined {
  const refusal = { side: "worker", reason: word ?? "" } as const;
  if (reason !== undefined) {
    // A client whose platform is content shows its certificate, and the worker has its own to say.
    const worker = alert !== undefined
      ? { side: "dispatcher", reason: alert } as const
      : word !== undefined
      ? refusal
      : { side: "dispatcher", reason: "handshake-aborted" } as const;
    return { dispatcher: { side: "dispatcher", reason }, worker };
  }
  if (word === undefined) return undefined;
  if (word === "client-certificate-required") {
    return { dispatcher: { side: "worker", reason: word }, worker: refusal };
  }
  return {
    dispatcher: { side: "worker", reason: "client-certificate-refused", peerReason: word },
    worker: refusal,
  };
}

function shownBy(client: (typeof CLIENTS)[number][0]): Shown {
  const common = { trusts: [root], denylist: denylistOf(deniedWorker) };
  if (client === "none") return common;
  return { ...common, certificate: client === "denied" ? deniedClient : ofClient[client]() };
}

for (const row of WORKERS) {
  Deno.test(`both ends name every handshake with a worker whose certificate is ${row.shape}`, async (t) => {
    const certificate = row.shape === "denied" ? deniedWorker : ofWorker[row.shape]();
    await using worker = await startWorker({
      certificate,
      trusts: [root],
      denylist: denylistOf(deniedClient),
    });
    for (const [client, word] of CLIENTS) {
      const expected = outcomeOf(row, word);
      const title = expected === undefined
        ? "is taken"
        : `${expected.dispatcher.reason} ${expected.dispatcher.peerReason ?? ""}`.trim();
      await t.step(`client certificate ${client}: ${title}`, async () => {
        using events = worker.events();
        await using dispatcher = await openDispatcher(shownBy(client), worker.address);
        handshakes();
        if (expected === undefined) {
          assert.equal(await dispatcher.call(add, [1, 2]), 3);
          assert.deepEqual(handshakes(), { "dispatcher ok": 1, "worker ok": 1 });
          return;
        }
        const { error, event } = await failedCall(dispatcher);
        const said = ({ side, reason, peerReason }: typeof error | typeof event) => ({
          side,
          reason,
          ...(peerReason === undefined ? {} : { peerReason }),
        });
        assert.deepEqual(said(error), expected.dispatcher, error.message);
        assert.deepEqual(said(event), expected.dispatcher);
        assert.deepEqual(event.evidence, error.evidence);
        const refused = await next(events, "handshake.refused");
        assert.deepEqual({ side: refused.side, reason: refused.reason }, expected.worker);
        const { [error.reason]: count } = dispatcher.workers()[0]?.handshakeFailures ?? {};
        assert.equal(count, 1);
        // Where the platform refuses the worker, the dispatcher probes its certificate: counted when it leaves.
        const { "worker ok": _accepted, "worker probe": probes = 0, ...counts } = handshakes();
        assert.ok(probes <= 2, `${probes} probes`);
        assert.deepEqual(counts, sumOf(expected));
      });
    }
  });
}

function sumOf({ dispatcher, worker }: Outcome): Record<string, number> {
  const keys = [dispatcher, worker].map(({ side, reason }) => `${side} ${reason}`);
  return Object.fromEntries(
    keys.sort().map((key) => [key, keys.filter((other) => other === key).length]),
  );
}
