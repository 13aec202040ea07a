import assert from "node:assert/strict";
import { forge, type Forged, general } from "../../../tests/support/forge.ts";
import { parseCertificate } from "../../identity/mod.ts";
import { certificateSteps } from "./certificate_steps.ts";
import type { Outcome } from "./report.ts";

const now = Date.now();
const past = { notBefore: now - 7_200_000, notAfter: now - 3_600_000 };
const names = [general.dns("worker.internal")];
const root = forge({ subject: "root", authority: true });
const older = forge({ subject: "older", authority: true, ...past });
/** The root, once signed by an older one, which has expired since. */
const crossed = forge({
  ...{ subject: "root", authority: true, issuer: older, keys: root.keys },
  ...past,
});

function outcomes(chain: readonly Forged[], trust: Outcome): readonly Outcome[] {
  const read = chain.map(({ der }) => parseCertificate(der));
  return [...certificateSteps(read, { trust, now })].map(({ outcome }) => outcome);
}

Deno.test("an authority that has expired fails where trust was refused, or it has signed the leaf", () => {
  const issuer = forge({ subject: "issuer", authority: true, issuer: root });
  const chain = [forge({ issuer, names }), issuer, crossed];
  assert.deepEqual(outcomes(chain, "passed"), ["passed", "passed", "skipped"]);
  assert.deepEqual(outcomes(chain, "failed"), ["passed", "passed", "failed"]);
  // Whom the root has signed is accepted by those who have the root itself.
  assert.deepEqual(outcomes(chain, "skipped"), ["passed", "passed", "skipped"]);
  assert.deepEqual(outcomes([forge({ issuer: root, names }), crossed], "skipped"), [
    "passed",
    "failed",
  ]);
});

Deno.test("a leaf that has expired fails, and a certificate that no path needs does not", () => {
  const leaf = forge({ issuer: root, names, ...past });
  assert.deepEqual(outcomes([leaf, older], "skipped"), ["failed", "skipped"]);
});
