import assert from "node:assert/strict";
import { alertFromClient, alertFromWorker } from "./alert_reason.ts";

const own = {
  notBefore: "2030-01-01T00:00:00.000Z",
  notAfter: "2030-02-01T00:00:00.000Z",
  now: Date.UTC(2030, 0, 15),
};
const late = { ...own, now: Date.UTC(2030, 2, 1) };
const early = { ...own, now: Date.UTC(2029, 11, 31) };

/** What each alert of a worker means: to one that showed a certificate, and to one that showed none. */
const FROM_WORKER: readonly (readonly [string, string, string | undefined, string])[] = [
  ["unknown_ca", "client-certificate-refused", "untrusted-authority", "tls-alert"],
  ["unsupported_certificate", "client-certificate-refused", "certificate-unsuitable", "tls-alert"],
  ["certificate_revoked", "client-certificate-refused", "certificate-denied", "tls-alert"],
  ["access_denied", "client-certificate-refused", "subject-not-allowed", "tls-alert"],
  ["bad_certificate", "client-certificate-refused", undefined, "client-certificate-required"],
  ["certificate_unknown", "client-certificate-refused", undefined, "tls-alert"],
  ["certificate_required", "client-certificate-required", undefined, "client-certificate-required"],
  ["protocol_version", "protocol-mismatch", undefined, "protocol-mismatch"],
  ["insufficient_security", "protocol-mismatch", undefined, "protocol-mismatch"],
  ["no_application_protocol", "protocol-mismatch", undefined, "protocol-mismatch"],
  ["handshake_failure", "tls-alert", undefined, "tls-alert"],
  ["internal_error", "tls-alert", undefined, "tls-alert"],
  ["decrypt_error", "tls-alert", undefined, "tls-alert"],
];

for (const [alert, shown, peerReason, notShown] of FROM_WORKER) {
  Deno.test(`a worker's alert ${alert} means ${shown}, or ${notShown} without a certificate`, () => {
    const meaning = alertFromWorker(alert, { own, answeredHello: false });
    assert.equal(meaning.reason, shown);
    assert.equal(meaning.peerReason, peerReason);
    assert.equal(alertFromWorker(alert, { own: undefined, answeredHello: false }).reason, notShown);
  });
}

Deno.test("handshake_failure in answer to a hello is about what both ends speak", () => {
  const meaning = alertFromWorker("handshake_failure", { own, answeredHello: true });
  assert.deepEqual(meaning, { reason: "protocol-mismatch" });
});

Deno.test("certificate_expired says which only where our own dates agree", () => {
  const wordAt = (dates: typeof own) =>
    alertFromWorker("certificate_expired", { own: dates, answeredHello: false }).peerReason;
  assert.equal(wordAt(late), "certificate-expired");
  assert.equal(wordAt(early), "certificate-not-yet-valid");
  assert.equal(wordAt(own), undefined);
});

Deno.test("a client's alert says what it finds wrong with the worker's certificate", () => {
  const meaning = (alert: string, dates = own) =>
    alertFromClient(alert, { own: dates, answeredHello: false });
  assert.deepEqual(meaning("unknown_ca"), {
    reason: "untrusted-authority",
    peerReason: "untrusted-authority",
  });
  assert.equal(meaning("certificate_expired", late).reason, "certificate-expired");
  assert.deepEqual(meaning("bad_certificate"), { reason: "tls-alert" });
  assert.deepEqual(meaning("no_application_protocol"), { reason: "protocol-mismatch" });
});
