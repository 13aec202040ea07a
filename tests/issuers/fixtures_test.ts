/**
 * The certificates of the issuers that are built with Go, as their own code made them once at the version of
 * the row, judged wherever these tests run: by the verdict alone, at a time at which they were valid.
 */
import assert from "node:assert/strict";
import {
  adviceOn,
  type Certificate,
  isCertificateFault,
  judgePeer,
  parseCertificate,
  parsePattern,
  type PeerRole,
  TrustAnchors,
} from "../../src/identity/mod.ts";
import { expectedOf } from "./expected.ts";
import { factsOf } from "./facts.ts";
import { type Fixture, fixtureRows, readFixture } from "./fixtures.ts";
import { assertAdvised } from "./advised.ts";
import { outcomes } from "./outcomes.ts";

const page = folded(Deno.readTextFileSync(new URL("../../docs/issuers.md", import.meta.url)));

for (const row of fixtureRows) {
  Deno.test(`the fixture of ${row} is judged as the table says`, async () => {
    const fixture = await readFixture(row);
    const { asWorker, asCaller } = outcomes[row]!;
    const { worker, caller } = expectedOf(row);
    assert.equal(isTrusted(row, fixture, "server", worker), asWorker === "accepted");
    assert.equal(isTrusted(row, fixture, "client", caller), asCaller === "accepted");
    const chain = readable(fixture.worker);
    const anchors = readable(fixture.ca);
    assertAdvised(row, adviceOn({ chain, anchors, now: whenValid(fixture) }));
    for (const der of [...fixture.ca, ...fixture.worker]) {
      assert.ok(page.includes(folded(factsOf(der))), factsOf(der));
    }
  });
}

function isTrusted(row: string, fixture: Fixture, role: PeerRole, identity: string): boolean {
  const bundle = readable(fixture.ca);
  // One whose key cannot be used is skipped from a bundle, and nothing is left of this one.
  const usable = bundle.filter(({ faults }) => faults.length === 0);
  if (usable.length === 0) return false;
  const localDomain = expectedOf(row).domain.replace("spiffe://", "");
  const chain = role === "server" ? fixture.worker : fixture.caller;
  return judgePeer(chain, {
    role,
    anchors: new TrustAnchors({ bundle: usable, localDomain }),
    expected: [parsePattern(identity, { clients: role === "client" })],
    now: whenValid(fixture),
  }).trusted;
}

/** Just after the last of the certificates has begun. */
function whenValid({ ca, worker, caller }: Fixture): number {
  const begins = readable([...ca, ...worker, ...caller]).map(({ notBefore }) => notBefore);
  return Math.max(...begins) + 1000;
}

function readable(ders: readonly Uint8Array[]): readonly Certificate[] {
  return ders.map(parseCertificate)
    .filter((one): one is Certificate => !isCertificateFault(one));
}

/** The page's lines are wrapped. */
function folded(text: string): string {
  return text.replace(/\s+/g, " ");
}
