import assert from "node:assert/strict";
import { isCertificateFault, parseCertificate } from "../identity/mod.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { isSignedBy, readStatement, signStatement } from "./signed_statement.ts";

const statement = { id: "w1", address: "10.0.0.1:8443", tls: true, tags: [], at: 1, sequence: 1 };

function publicKeyOf(der: Uint8Array) {
  const certificate = parseCertificate(der);
  return isCertificateFault(certificate) ? assert.fail(certificate.found) : certificate.publicKey;
}

for (const keyKind of ["p-256", "p-384", "p-521", "ed25519", "rsa-2048"] as const) {
  Deno.test(`a statement is signed with a key of kind ${keyKind}, and no other key has signed it`, () => {
    const [own, other] = [makeCertificate({ keyKind }), makeCertificate({ keyKind })];
    const read = readStatement(signStatement(statement, { chain: [own.der], keyPem: own.keyPem }));
    assert.deepEqual(read.statement, statement);
    assert.equal(isSignedBy(read, publicKeyOf(own.der)), true);
    assert.equal(isSignedBy(read, publicKeyOf(other.der)), false);
  });
}
