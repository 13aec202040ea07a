import { issuers } from "./all.ts";
import { notes } from "./notes.ts";
import { outcomes } from "./outcomes.ts";
import { writers } from "./writers.ts";

/** Issuers whose source was read and not run, at which commit, and what follows for Selvage. */
const READ: readonly (readonly [issuer: string, source: string, facts: string])[] = [
  [
    "Linkerd",
    "linkerd/linkerd2 at b389054d53f1, `pkg/tls/ca.go`, `pkg/identity/service.go`",
    "the root that `linkerd install` makes: P-256, a year, key usage keyCertSign cRLSign, extended key usage " +
    "serverAuth clientAuth in the root itself (`authority.purpose` is advised, as of minica's above). A " +
    "workload's: P-256, 24 hours or what is left of its issuer, one DNS name (the identity of its service " +
    "account), no subject or that name, no basic constraints, digitalSignature keyEncipherment, both purposes. " +
    "The proxy keeps it in memory: there are no files for a worker of another make",
  ],
  [
    "Kuma, mutual TLS of a `Mesh`",
    "kumahq/kuma at bf80c0cda813, `pkg/core/ca/issuer/issuer.go`",
    "RSA of 2048 bits, 24 hours, no subject, `spiffe://MESH/SERVICE` and beside it a `kuma://TAG/VALUE` for every " +
    "tag: several URI names, which X509-SVID §2 forbids, so that it is refused where a SPIFFE ID is expected " +
    "(`san.several-uris`); under `uri:kuma://TAG/VALUE` it is accepted",
  ],
  [
    "Kuma, `MeshIdentity` with the provider Bundled",
    "kumahq/kuma at beff7f8aaa6c, `…/meshidentity/providers/bundled`",
    "a key of the authority's kind, 24 hours, no subject, one SPIFFE ID, digitalSignature keyEncipherment " +
    "keyAgreement, both purposes; a root of RSA 2048 that bears the SPIFFE ID of its trust domain, ten years. " +
    "Sent to Envoy alone: there are no files",
  ],
  [
    "cert-manager csi-driver",
    "cert-manager/csi-driver at 0eec76db51d2 and 00b2c7e68b16, `pkg/apis/defaults`, `pkg/requestgen`",
    "what a cert-manager issuer signs for `digital signature, key encipherment` (the row with default usages above: " +
    "`leaf.purpose` is advised), with the names that the volume's attributes ask for; " +
    "`csi.cert-manager.io/key-usages: digital signature,key encipherment,server auth,client auth` ends the advice. " +
    "`tls.crt`, `tls.key` (PKCS #1) and `ca.crt` by csi-lib's atomic writer, which was run",
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
    "Linkerd, Kuma, cert-manager's csi-driver and csi-driver-spiffe",
    "the Go module proxy does not serve their modules (github.com/linkerd/linkerd2, github.com/kumahq/kuma, " +
    "also as /v2, github.com/cert-manager/csi-driver and csi-driver-spiffe: 403 to the list of versions and to " +
    "each version asked for, among them those that other public modules require), and no package of Debian, " +
    "npm or PyPI brings their authorities. Their rows can be run once the proxy " +
    "serves the modules; until then the section above says what their source does",
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
