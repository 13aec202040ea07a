import assert from "node:assert/strict";
import { alertInClear, alertReceived, alertRecord } from "./tls_alert.ts";

Deno.test("alertReceived names an alert as RFC 8446 does", () => {
  const printed = [
    ["received fatal alert: CertificateRequired", "certificate_required"],
    ["received fatal alert: UnknownCA", "unknown_ca"],
    ["received fatal alert: BadRecordMac", "bad_record_mac"],
    ["received fatal alert: UnrecognisedName", "unrecognized_name"],
    ["received fatal alert: UnknownPSKIdentity", "unknown_psk_identity"],
    ["received fatal alert: Unknown(200)", "Unknown"],
  ] as const;
  for (const [message, name] of printed) assert.equal(alertReceived(message), name);
});

Deno.test("alertReceived takes nothing else for an alert", () => {
  assert.equal(alertReceived("peer is incompatible: Tls12NotOfferedOrEnabled"), undefined);
  assert.equal(alertReceived("it said: received fatal alert: UnknownCA"), undefined);
});

Deno.test("alertInClear reads what alertRecord writes, and no encrypted record", () => {
  assert.equal(alertInClear(alertRecord("unknown_psk_identity")), "unknown_psk_identity");
  assert.equal(alertInClear(new Uint8Array([0x15, 3, 3, 0, 2, 2, 99])), "alert_99");
  assert.equal(alertInClear(new Uint8Array([0x17, 3, 3, 0, 2, 2, 40])), undefined);
  assert.equal(alertInClear(new Uint8Array([0x15, 3, 3, 0, 19, 1, 2])), undefined);
  assert.equal(alertInClear(new Uint8Array([0x15, 3])), undefined);
});

Deno.test("alertReceived reads the number that Node prints", () => {
  const printed = (number: number): string =>
    `00D2:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert:../rec_layer_s3.c:916:SSL alert number ${number}\n`;
  assert.equal(alertReceived(printed(48)), "unknown_ca");
  assert.equal(alertReceived(printed(200)), "alert_200");
});
