import { issuers } from "./all.ts";
import { notes } from "./notes.ts";
import { outcomes } from "./outcomes.ts";
import { writers } from "./writers.ts";

/** Issuers whose source was read and not run, at which commit, and what follows for Selvage. */
const READ: readonly (readonly [issuer: string, source: string, facts: string])[] = [
  [
    "Kuma, `MeshIdentity` with the provider Bundled",
    "kumahq/kuma at beff7f8aaa6c, `…/meshidentity/providers/bundled`",
    "a key of the authority's kind, 24 hours, no subject, one SPIFFE ID, digitalSignature keyEncipherment " +
    "keyAgreement, both purposes; a root of RSA 2048 that bears the SPIFFE ID of its trust domain, ten years. " +
    "Sent to Envoy alone: there are no files",
  ],
  [
    "cert-manager csi-driver-spiffe",
    "cert-manager/csi-driver-spiffe at 59afa1ce786e, `internal/csi/driver/driver.go`",
    "an ECDSA key, an hour, no subject, `spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT` alone, and the four usages of the " +
    "row above; `tls.crt` and `tls.key`, and `ca.crt` where the driver is given roots, by the same writer",
  ],
];

/** Issuers that are not run here, and why. */
const NOT_RUN: readonly (readonly [string, string])[] = [
  [
    "cert-manager csi-driver-spiffe",
    "the Go module proxy does not serve github.com/cert-manager/csi-driver-spiffe (403 to the list of versions and " +
    "to each of 0.1.0 to 0.12.0), and no package of Debian, npm or PyPI brings it. What its source does is said above",
  ],
  [
    "Linkerd after May 2021, Kuma after 1.8.1",
    "the Go module proxy serves no later version of github.com/linkerd/linkerd2 that was asked for, nor " +
    "github.com/kumahq/kuma/v2. By its source at b389054d53f1 Linkerd makes what its row shows; what Kuma adds is " +
    "said above",
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

etcd's own \`--auto-tls\` certificates are authorities, and for etcd alone. Of a key on P-521 signatures
over SHA-384 and SHA-512 are accepted: issuers written in Go make them, and \`openssl\` with \`-sha512\`.
Over SHA-256, which is openssl's default, they are refused: \`node:crypto\` of Deno 2.9.6 fails them. A
certificate of X.509 v1 has no extensions and so no names: \`openssl x509 -req\` makes one unless it is
given an \`-extfile\`.

## What they look like, and what sets them up

${issuers.map(({ name }) => section(name, facts[name] ?? [])).join("\n")}
## What writes the files

${writers.map(({ name }) => `- ${name}`).join("\n")}

Each was run from its own code against a worker that watches its files (\`tests/issuers/writers_test.ts\`):
versions that were awaited one by one were each adopted, of twenty in one go the last was, and none was
reported as \`credentials.rejected\`.

## Read from the source, not run

No row of the table, and no test: what the code of these issuers does at the commit named.

${READ.map(([name, source, facts]) => `- **${name}** (${source}): ${facts}.`).join("\n")}

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
