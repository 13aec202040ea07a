/**
 * A worker does not ask the platform about a client's chain, so the platform's check of the client's
 * signature over the handshake (RFC 8446 §4.4.3) is shown for each shape of certificate that the
 * verdict accepts: the certificate of somebody else, without its key, gets nowhere.
 */
import assert from "node:assert/strict";
import { makeCertificate, type TestCertificateOptions } from "../support/certificates.ts";
import { CLIENT_ID } from "../support/peers.ts";
import { assertTold, attackWorker, authorities, HTTP2, ownKey } from "./raw_attack.ts";

const { root, intermediate } = authorities;
const SCHEMES = {
  "p-256": 0x0403,
  "p-384": 0x0503,
  "ed25519": 0x0807,
  "rsa-2048": 0x0804,
} as const;

const SHAPES: readonly (readonly [string, TestCertificateOptions])[] = [
  ["P-256", { keyKind: "p-256" }],
  ["P-384", { keyKind: "p-384" }],
  ["Ed25519", { keyKind: "ed25519" }],
  ["RSA-2048", { keyKind: "rsa-2048" }],
  ["under an intermediate", { issuer: intermediate }],
  ["for clients only", { usages: ["client"] }],
  ["without extended key usage", { usages: [] }],
  ["without key usage", { keyUsages: [] }],
  ["without either usage", { usages: [], keyUsages: [] }],
  ["with a DNS name beside its SPIFFE ID", {
    names: [{ uri: CLIENT_ID }, { dns: "client.example" }],
  }],
];

for (const [shape, options] of SHAPES) {
  const scheme = SCHEMES[options.keyKind ?? "p-256"];
  Deno.test(`a worker accepts no certificate ${shape} from a client without its key`, async () => {
    const stolen = makeCertificate({
      name: "peer",
      names: [{ uri: CLIENT_ID }],
      issuer: root,
      ...options,
    });
    const shown = [stolen, ...(options.issuer === undefined ? [] : [intermediate])];
    const { refused, heard } = await attackWorker(async (raw) => {
      await raw.certificate(shown.map(({ der }) => der));
      await raw.certificateVerify(ownKey, "client", scheme);
      await raw.finished();
      await raw.application(HTTP2);
    });
    assert.equal(refused.reason, "tls-alert");
    assertTold(heard, { alert: "decrypt_error" });
  });
}
