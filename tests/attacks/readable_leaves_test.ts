/**
 * Our reader is at least as strict as the platform's: the platform reads every leaf that ours reads. It is asked
 * as the reader of a `caCerts` bundle, where it reports what it finds.
 */
import assert from "node:assert/strict";
import { extension } from "../../src/credentials/certificate_writer.ts";
import { objectIdentifier, sequence, tagged } from "../../src/credentials/der_writer.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import { parseCertificate } from "../../src/identity/certificate/certificate.ts";
import { isCertificateFault } from "../../src/identity/mod.ts";
import { WORKER_ID } from "../support/peers.ts";
import { type KeyKind, makeAuthorities, makeCertificate } from "../support/certificates.ts";

const { root } = makeAuthorities();
const KINDS: readonly KeyKind[] = ["p-256", "p-384", "p-521", "ed25519", "rsa-2048"];
/** The timestamps of certificate logs (RFC 6962 §3.3). */
const TIMESTAMPS = "1.3.6.1.4.1.11129.2.4.2";
const DAMAGED = 5000;

/** What the platform's reader finds wrong with a certificate. */
function platformFault(der: Uint8Array): string | undefined {
  try {
    Deno.createHttpClient({ caCerts: [writePem("CERTIFICATE", der)] }).close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Whether ours reads it and finds nothing wrong. */
function isRead(der: Uint8Array): boolean {
  const certificate = parseCertificate(der);
  return !isCertificateFault(certificate) && certificate.faults.length === 0;
}

function richLeaf(keyKind: KeyKind): Uint8Array {
  const place = tagged(0x86, new TextEncoder().encode("http://ca.example.org/list"));
  const points = sequence(sequence(tagged(0xa0, tagged(0xa0, place))));
  const domain = tagged(0x82, new TextEncoder().encode("example.org"));
  const status = sequence(objectIdentifier("1.3.6.1.5.5.7.48.1"), place);
  return makeCertificate({
    keyKind,
    names: [{ uri: WORKER_ID }, { dns: "worker.example.org" }],
    issuer: root,
    extensions: [
      extension("2.5.29.30", true, sequence(tagged(0xa0, sequence(domain)))),
      extension("2.5.29.31", false, points),
      extension("1.3.6.1.5.5.7.1.1", false, sequence(status)),
      extension(TIMESTAMPS, false, tagged(0x04, tagged(0x04, Uint8Array.of(0, 0)))),
    ],
  }).der;
}

/** The same numbers each time (Marsaglia's xorshift). */
function* numbers(): Generator<number, never> {
  for (let state = 0x2545f491;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

/** Leaves of which some octets are others, or stand somewhere else. */
function* damagedLeaves(leaves: readonly Uint8Array[]): Generator<Uint8Array> {
  const drawn = numbers();
  const below = (limit: number): number => drawn.next().value % limit;
  for (let count = 0; count < DAMAGED; count++) {
    const der = (leaves[below(leaves.length)] ?? new Uint8Array(0)).slice();
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const at = below(der.length);
      if (below(2) === 0) der[at] = below(256);
      else der.copyWithin(below(der.length), at, at + below(6));
    }
    yield der;
  }
}

Deno.test("the platform's reader reads every leaf that ours does, whatever is damaged", () => {
  const leaves = KINDS.map(richLeaf);
  for (const leaf of leaves) assert.ok(isRead(leaf) && platformFault(leaf) === undefined);
  assert.notEqual(platformFault(new TextEncoder().encode("no certificate")), undefined);
  let read = 0;
  for (const der of damagedLeaves(leaves)) {
    if (!isRead(der)) continue;
    read += 1;
    assert.equal(platformFault(der), undefined, der.toHex());
  }
  assert.ok(read > DAMAGED / 10, `${read} were read`);
});

Deno.test("a leaf whose log timestamps are not an OCTET STRING is not read", () => {
  for (const value of [[], [5, 0], [0x30, 0], [4, 1], [4, 0, 0]]) {
    const timestamps = extension(TIMESTAMPS, false, Uint8Array.from(value));
    assert.equal(isRead(makeCertificate({ extensions: [timestamps] }).der), false, `${value}`);
  }
});
