import assert from "node:assert/strict";
import { sequence } from "../../src/credentials/der_writer.ts";
import { makeCertificate, type TestCertificate } from "../support/certificates.ts";
import { signingKey } from "../support/raw_tls/mod.ts";
import { misencoded } from "./forged_chains.ts";
import {
  assertTold,
  attackDispatcher,
  attackWorker,
  authorities,
  claimed,
  HTTP2,
} from "./raw_attack.ts";

const { root, intermediate, foreign } = authorities;

/** Signed by a stranger, and names our root as its issuer. */
const impostor = makeCertificate({
  name: "impostor",
  authority: 0,
  issuer: foreign,
  issuerNamed: root,
});
/** The same with nothing that tells a reader of version 3 what it is for. */
const impostorOfVersion1 = makeCertificate({
  name: "impostor",
  version: 1,
  issuer: foreign,
  issuerNamed: root,
});

const GARBAGE = new Uint8Array(300).fill(0x30);

/** SEQUENCEs within each other, deeper than any certificate. */
function nested(depth: number): Uint8Array {
  let der: Uint8Array = new Uint8Array(0);
  for (let count = 0; count < depth; count++) der = sequence(der);
  return der;
}

/** Intermediates that a TLS library will not show, or not keep apart: who issues the leaf, and what follows it. */
const ROWS: readonly (readonly [string, TestCertificate, readonly Uint8Array[]])[] = [
  ["a forged intermediate with a BOOLEAN that is not DER", impostor, [misencoded(impostor).der]],
  ["our intermediate with a BOOLEAN that is not DER", intermediate, [misencoded(intermediate).der]],
  ["a forged intermediate twice, the first mis-encoded", impostor, [
    misencoded(impostor).der,
    impostor.der,
  ]],
  ["a forged version 1 intermediate, then a root of that name", impostorOfVersion1, [
    impostorOfVersion1.der,
    authorities.namesake.der,
  ]],
  ["garbage in place of its intermediate", intermediate, [GARBAGE]],
  ["a text for an intermediate", intermediate, [new TextEncoder().encode(intermediate.pem)]],
  ["SEQUENCEs 5,000 deep for an intermediate", intermediate, [nested(5000)]],
  ["its intermediate cut off", intermediate, [intermediate.der.subarray(0, -1)]],
  ["seven times garbage", foreign, Array.from({ length: 7 }, () => GARBAGE)],
];

for (const [what, issuer, others] of ROWS) {
  const leafOf = (uri: string): TestCertificate => makeCertificate({ names: [{ uri }], issuer });

  Deno.test(`a dispatcher writes nothing to a worker that shows a leaf and ${what}`, async () => {
    const { der, keyPem } = leafOf(claimed.server);
    const key = await signingKey(keyPem);
    const { error } = await attackDispatcher(async (raw) => {
      await raw.authenticate([der, ...others], key);
      await raw.application(HTTP2);
    });
    assert.equal(error.reason, "untrusted-authority", error.message);
  });

  Deno.test(`a worker parses nothing of a client that shows a leaf and ${what}`, async () => {
    const { der, keyPem } = leafOf(claimed.client);
    const key = await signingKey(keyPem);
    const { refused, heard } = await attackWorker(async (raw) => {
      await raw.authenticate([der, ...others], key);
      await raw.application(HTTP2);
    });
    assert.equal(refused.reason, "untrusted-authority", JSON.stringify(refused));
    assertTold(heard, { refused: "untrusted-authority" });
  });
}
