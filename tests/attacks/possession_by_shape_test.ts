/**
 * A worker does not ask the platform about a client's chain, so the platform's check of the client's
 * signature over the handshake (RFC 8446 §4.4.3) is shown for each shape of certificate that the
 * verdict accepts: with its key it is accepted, on a fresh connection and on one that resumes that
 * session; another peer's certificate, without its key, gets nowhere.
 */
import assert from "node:assert/strict";
import { parsePattern } from "../../src/identity/mod.ts";
import type { PeerListener } from "../../src/peer/mod.ts";
import { listenAs } from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { acceptedShapes } from "./accepted_shapes.ts";
import { ForeignProcess } from "./foreign_process.ts";
import {
  assertReported,
  attackWorker,
  authorities,
  flawless,
  HTTP2,
  ownKey,
} from "./raw_attack.ts";

const { root, intermediate } = authorities;
const SCHEMES = {
  "p-256": 0x0403,
  "p-384": 0x0503,
  "p-521": 0x0603,
  "ed25519": 0x0807,
  "rsa-2048": 0x0804,
} as const;

const shapes = acceptedShapes(root, intermediate);
const allowOf = (allow: string) => [parsePattern(allow, { clients: true })];

for (const { shape, keyKind, certificate, between, trusts, allow } of shapes) {
  Deno.test(`a worker accepts no certificate ${shape} from a client without its key`, async () => {
    const { refused, heard } = await attackWorker(async (raw) => {
      await raw.certificate([certificate, ...between].map(({ der }) => der));
      await raw.certificateVerify(ownKey, "client", SCHEMES[keyKind]);
      await raw.finished();
      await raw.application(HTTP2);
    }, { trusts, allow: allowOf(allow) });
    assert.equal(refused.reason, "tls-alert");
    assertReported(heard, { alert: "decrypt_error" });
  });
}

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  Deno.test(`a worker accepts each of these shapes with its key, fresh and resumed (${version})`, async () => {
    await using listeners = new AsyncDisposableStack();
    const observers: RecordingObserver[] = [];
    const steps: unknown[] = [];
    for (const { certificate, trusts, allow } of shapes) {
      const observer = new RecordingObserver();
      const listener = listeners.use(
        await listenAs({ certificate: flawless.server, trusts: [root, ...trusts] }, {
          minTlsVersion: "TLSv1.2",
          allow: allowOf(allow),
          observer,
        }),
      );
      observers.push(observer);
      const step = {
        cert: certificate.chainPem,
        key: certificate.keyPem,
        port: portOf(listener),
        leaveOnData: true,
      };
      steps.push({ ...step, resume: false }, { ...step, resume: true });
    }
    await using peer = new ForeignProcess("foreign_client.mjs", {
      ca: root.pem,
      maxVersion: version,
      steps,
    });
    await peer.done();
    for (const [i, { shape, certificate }] of shapes.entries()) {
      const accepted = observers[i]!.of("peer.accepted");
      assert.deepEqual(accepted.map(({ resumed }) => resumed), [false, true], shape);
      const prints = new Set(accepted.map(({ fingerprint }) => fingerprint));
      assert.deepEqual([...prints], [await fingerprintOf(certificate.der)], shape);
      // The client leaves before it speaks HTTP/2, which is reported as its refusal.
      const byUs = observers[i]!.of("handshake.refused").filter(({ side }) => side === "worker");
      assert.deepEqual(byUs, [], shape);
    }
  });
}

function portOf({ address }: PeerListener): number {
  return address.kind === "tcp" ? address.port : assert.fail("not TCP");
}

async function fingerprintOf(der: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", der)).toHex();
}
