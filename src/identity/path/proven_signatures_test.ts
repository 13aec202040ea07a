import assert from "node:assert/strict";
import type { Certificate } from "../certificate/certificate.ts";
import { ProvenSignatures } from "./proven_signatures.ts";

const issuer = { publicKey: { spkiSha256: "issuer" } } as Certificate;
const NOW = 1_000_000;
const peer = (number: number) =>
  ({ fingerprint: `peer ${number} `, notAfter: NOW + 1 }) as Certificate;

Deno.test("ProvenSignatures remembers those of 4,096 peers, over a change of the anchors, too", () => {
  const before = new ProvenSignatures();
  for (let number = 0; number < 4_097; number++) before.add(peer(number), issuer);
  const after = new ProvenSignatures();
  after.takeOver(before);
  for (const proven of [before, after]) {
    assert.equal(proven.has(peer(0), issuer, NOW), false);
    for (let number = 1; number < 4_097; number++) {
      assert.ok(proven.has(peer(number), issuer, NOW), String(number));
    }
    assert.equal(proven.has(peer(1), issuer, NOW + 1_001), false);
  }
});
