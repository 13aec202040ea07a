import { issuers } from "./all.ts";
import { notes } from "./notes.ts";
import { outcomes } from "./outcomes.ts";

/** Issuers that are not run here, and why. */
const NOT_RUN: readonly (readonly [string, string])[] = [
  [
    "SPIRE",
    "run by `deno task test:spire`, against a real server and agent: accepted in both roles",
  ],
  [
    "Linkerd, Kuma, OpenBao, minica, certstrap",
    "their modules could not be had where this is built",
  ],
  ["Consul Connect", "its module is not under an open-source licence"],
  [
    "spiffe-helper, cert-manager's csi-driver and csi-driver-spiffe",
    "as above; what they write is not tested",
  ],
];

/** The page `docs/issuers.md`, whose facts the tests hold. */
export function issuersPage(facts: Readonly<Record<string, readonly string[]>>): string {
  return `# Certificates of the issuers that teams run

Each issuer below was run, or its own code, at the version named, with its defaults but for what the
row says, and its certificates held by a worker and by a caller over mutual TLS
(\`tests/issuers\`, \`scripts/write_issuers.ts\`). *Advice* is what \`credentials.advice\`,
\`selvage doctor\` and \`selvage certs check\` say of them by default; \`verdict: "strict"\` refuses what
is advised, but for lifetimes. \`leaf.not-before\` is advised of most for the first five seconds of a
certificate, and left out here.

| issuer | as worker | as caller | advice |
| --- | --- | --- | --- |
${issuers.map(({ name }) => row(name)).join("\n")}

Keys on P-521 cannot be verified on this platform, so etcd's own \`--auto-tls\` certificates are for
etcd alone. A certificate of X.509 v1 has no extensions and so no names: \`openssl x509 -req\` makes one
unless it is given an \`-extfile\`.

## What they look like, and what sets them up

${issuers.map(({ name }) => section(name, facts[name] ?? [])).join("\n")}
## Not run here

${NOT_RUN.map(([name, why]) => `- **${name}**: ${why}.`).join("\n")}
`;
}

function row(name: string): string {
  const { asWorker, asCaller, advice } = outcomes[name]!;
  const rules = advice.map((rule) => `\`${rule}\``).join(", ");
  return `| ${name} | ${asWorker} | ${asCaller} | ${rules === "" ? "none" : rules} |`;
}

function section(name: string, facts: readonly string[]): string {
  const { rotation, setUp } = notes[name]!;
  return [
    `### ${name}`,
    "",
    ...facts.map((fact) => `- ${fact}`),
    `- renewed: ${rotation}`,
    "",
    "```text",
    ...setUp,
    "```",
    "",
  ].join("\n");
}
