/**
 * Chains that the platform refuses today, and how little its codes say about the reason. Where one of these fails
 * after an upgrade, the workaround that the test names may go; the verdict of `src/identity/` stays.
 */
import assert from "node:assert/strict";
import { commonName, extension } from "../../src/credentials/certificate_writer.ts";
import { sequence, tagged } from "../../src/credentials/der_writer.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import { CLIENT_ID, WORKER_ID } from "../support/peers.ts";
import { shakeHands } from "./tls_pair.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

const shows = ({ chainPem, keyPem }: TestCertificate) => ({ cert: chainPem, key: keyPem });

// Revisit: tests/attacks/constrained_names_test.ts; our verdict judges subjects, and peers could be accepted then.
Deno.test("the platform refuses a peer under an authority that constrains subjects, at both ends", async () => {
  const base = sequence(tagged(0xa4, commonName("somebody else")));
  const issuer = makeCertificate({
    name: "constrained",
    authority: 0,
    issuer: root,
    extensions: [extension("2.5.29.30", true, sequence(tagged(0xa1, base)))],
  });
  const leaf = makeCertificate({ names: [{ uri: WORKER_ID }], issuer });
  await shakeHands({ ...shows(leaf), ca: [root.pem] }, { ca: [root.pem] }, ({ clientCode }) => {
    assert.equal(clientCode, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });
  await shakeHands(
    { ...shows(worker.fine()), ca: [root.pem] },
    { ...shows(leaf), ca: [root.pem] },
    ({ server: far }) => assert.equal(far?.authorized, false),
  );
});

for (
  const shape of [
    "expired",
    "not-yet-valid",
    "server-only",
    "foreign-authority",
    "namesake-authority",
    "self-signed",
    "missing-intermediate",
  ] as const
) {
  // Revisit: src/peer/judge.ts; a code that says more could stand in the evidence.
  Deno.test(`the platform's code does not say that a client's certificate is ${shape}`, async () => {
    await shakeHands(
      { ...shows(worker.fine()), ca: [root.pem] },
      { ...shows(client[shape]()), ca: [root.pem] },
      ({ server: far }) => {
        assert.equal(far?.authorized, false);
        assert.equal(String(far?.authorizationError), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
      },
    );
  });
}
