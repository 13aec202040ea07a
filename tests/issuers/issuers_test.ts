/** How a worker and a caller judge the certificates of real issuers, as `docs/issuers.md` says. */
import assert from "node:assert/strict";
import {
  adviceOn,
  type Certificate,
  isCertificateFault,
  parseCertificate,
} from "../../src/identity/mod.ts";
import { testWithTool } from "../foreign/tool.ts";
import { issuers } from "./all.ts";
import { derOf, factsOf } from "./facts.ts";
import { expectedOf } from "./expected.ts";
import { notes } from "./notes.ts";
import { assertAdvised } from "./advised.ts";
import { outcomes } from "./outcomes.ts";
import { take } from "./take.ts";
import { Workshop } from "./workshop.ts";

const page = Deno.readTextFileSync(new URL("../../docs/issuers.md", import.meta.url));

for (const issuer of issuers) {
  testWithTool(
    issuer.tool,
    `certificates of ${issuer.name} are judged as the table says`,
    async () => {
      await using workshop = await Workshop.open();
      const issued = await issuer.issue(workshop);
      const { asWorker, asCaller } = outcomes[issuer.name]!;
      const taken = await take(issued, expectedOf(issuer.name));
      assert.deepEqual(taken, { asWorker, asCaller });
      const chain = readable(issued.worker.cert);
      const anchors = readable(issued.ca);
      assertAdvised(issuer.name, adviceOn({ chain, anchors, now: Date.now() }));
      for (const der of [...derOf(issued.ca), ...derOf(issued.worker.cert)]) {
        assert.ok(foldedPage.includes(folded(factsOf(der))), factsOf(der));
      }
    },
  );
}

Deno.test("every issuer has an outcome and a note, and nothing else has", () => {
  const names = issuers.map(({ name }) => name).sort();
  assert.deepEqual(Object.keys(outcomes).sort(), names);
  assert.deepEqual(Object.keys(notes).sort(), names);
  for (const name of names) assert.ok(page.includes(`### ${name}\n`), name);
});

/** The page's lines are wrapped. */
const foldedPage = folded(page);

function folded(text: string): string {
  return text.replace(/\s+/g, " ");
}

function readable(pem: string): readonly Certificate[] {
  return derOf(pem).map(parseCertificate)
    .filter((one): one is Certificate => !isCertificateFault(one));
}
