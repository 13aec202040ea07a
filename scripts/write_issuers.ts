/**
 * Writes `docs/issuers.md`: runs every issuer of `tests/issuers` that is installed
 * (`deno run -A scripts/install_issuers.ts --go` first) and says what its certificates look like. With
 * `--fixtures` it also keeps those of the issuers that are built with Go, in `tests/issuers/fixtures`.
 *
 * @module
 */
import { issuers } from "../tests/issuers/all.ts";
import { present } from "../src/values/mod.ts";
import { fixtureRows, writeFixture } from "../tests/issuers/fixtures.ts";
import { derOf, factsOf } from "../tests/issuers/facts.ts";
import { issuersPage } from "../tests/issuers/table.ts";
import { Workshop } from "../tests/issuers/workshop.ts";

const facts: Record<string, readonly string[]> = {};
for (const issuer of issuers) {
  if (issuer.tool.path === undefined) throw new Error(`${issuer.name} is not installed`);
  await using workshop = await Workshop.open();
  const { ca, worker, caller } = await issuer.issue(workshop);
  if (Deno.args.includes("--fixtures") && fixtureRows.includes(issuer.name)) {
    await writeFixture(issuer.name, { ca, worker, ...present({ caller }) }, workshop.commands);
  }
  const [leaf, ...others] = derOf(worker.cert).map(factsOf);
  const callerFacts = caller === undefined ? undefined : derOf(caller.cert).map(factsOf)[0];
  facts[issuer.name] = [
    ...derOf(ca).map((der) => `authority: ${factsOf(der)}`),
    ...others.map((fact) => `intermediate: ${fact}`),
    `worker: ${leaf}`,
    ...callerFacts === undefined || callerFacts === leaf ? [] : [`caller: ${callerFacts}`],
  ];
}
await Deno.writeTextFile(new URL("../docs/issuers.md", import.meta.url), issuersPage(facts));
await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", "docs/issuers.md"] }).output();
