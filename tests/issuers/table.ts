import { issuers } from "./all.ts";
import { notes } from "./notes.ts";
import { outcomes } from "./outcomes.ts";
import { writers } from "./writers.ts";

/** Issuers that are not run here, and why. */
const NOT_RUN: readonly (readonly [string, string])[] = [
  [
    "Linkerd, Kuma, cert-manager's csi-driver and csi-driver-spiffe",
    "the Go module proxy does not serve their modules (asked for github.com/linkerd/linkerd2, " +
    "github.com/kumahq/kuma, also as /v2, github.com/cert-manager/csi-driver and csi-driver-spiffe, in " +
    "versions that other public modules require: 403). What a cert-manager issuer signs for the two " +
    "drivers is in its rows above; the names and the files that the drivers make of it were not tested",
  ],
  [
    "cert-manager's csi-lib 0.9.0 and 0.10.0",
    "the module is served, but the Go checksum database does not know it (404), so it was not built; the kubelet's atomic writer above stands in for its own",
  ],
  [
    "Consul after 1.8.7",
    "newer versions are not under an open-source licence, or not served",
  ],
  [
    "Vault itself",
    "its code is no longer open source; its row runs the SDK that its PKI engine uses",
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
certificate, and left out here. The certificates of the issuers that are built with Go are kept in
\`tests/issuers/fixtures\`, with the commands that made them, and judged where there is no Go.

| issuer | as worker | as caller | advice |
| --- | --- | --- | --- |
${issuers.map(({ name }) => row(name)).join("\n")}

Keys on P-521 cannot be verified on this platform, so etcd's own \`--auto-tls\` certificates are for
etcd alone. A certificate of X.509 v1 has no extensions and so no names: \`openssl x509 -req\` makes one
unless it is given an \`-extfile\`.

## What they look like, and what sets them up

${issuers.map(({ name }) => section(name, facts[name] ?? [])).join("\n")}
## What writes the files

${writers.map(({ name }) => `- ${name}`).join("\n")}

Each was run from its own code against a worker that watches its files (\`tests/issuers/writers_test.ts\`):
versions that were awaited one by one were each adopted, of twenty in one go the last was, and none was
reported as \`credentials.rejected\`.

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
