import { extension } from "../../src/credentials/certificate_writer.ts";
import { sequence, tagged } from "../../src/credentials/der_writer.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import {
  makeCertificate,
  shownWith,
  type TestAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";

/** A chain that must never prove anybody. */
export interface ForgedChain {
  /** What is wrong with it. */
  readonly name: string;
  /** The certificate as it is shown, for a peer that should be `identity`. */
  readonly make: (identity: string) => TestCertificate;
  /** Whether OpenSSL can be brought to show it; the others are shown by the platform's own TLS. */
  readonly underNode: boolean;
  /**
   * Whether a Deno client can be told why: the platform seals a client's chain into its tickets, twice,
   * and its own client does not read so many bytes of them. Default true.
   */
  readonly denoClient?: boolean;
  /** Where set, an authority that is trusted besides the root. */
  readonly alsoTrusted?: TestCertificate;
}

const DAY_MS = 24 * 3_600_000;

/** Every forgery, under these authorities: only `root` is trusted. */
export function forgedChains({ root, foreign, namesake }: TestAuthorities): ForgedChain[] {
  const expiredRoot = makeCertificate({
    name: "expired root",
    authority: true,
    notBefore: Date.now() - 2 * DAY_MS,
    notAfter: Date.now() - DAY_MS,
  });
  const leaf = (identity: string, issuer: TestCertificate): TestCertificate =>
    makeCertificate({ names: [{ uri: identity }], issuer });
  const named = (uri: string): TestCertificate =>
    makeCertificate({ names: [{ uri }], issuer: root });
  const withDns = (dns: string): TestCertificate =>
    makeCertificate({ names: [{ dns }], issuer: root });
  return [
    {
      name: "a version 1 leaf that names the authority",
      make: () => makeCertificate({ version: 1, issuer: foreign, issuerNamed: root }),
      underNode: true,
    },
    {
      name: "a leaf under a version 1 intermediate that names the authority",
      make: (id) => leaf(id, forgedIntermediate({ version: 1 })),
      underNode: true,
    },
    {
      name: "a leaf under a mis-encoded intermediate that names the authority",
      make: (id) => {
        const forged = forgedIntermediate({ version: 3 });
        return shownWith(leaf(id, forged), misencoded(forged));
      },
      underNode: false,
    },
    {
      name: "a leaf of an authority with the same name and another key",
      make: (id) => leaf(id, namesake),
      underNode: true,
    },
    {
      name: "a leaf without digitalSignature",
      make: (uri) =>
        makeCertificate({ names: [{ uri }], issuer: root, keyUsages: ["keyEncipherment"] }),
      underNode: true,
    },
    {
      name: "a leaf under an intermediate without keyCertSign",
      make: (id) =>
        leaf(
          id,
          makeCertificate({
            name: "signs no certificates",
            authority: 0,
            issuer: root,
            keyUsages: ["digitalSignature"],
          }),
        ),
      underNode: true,
    },
    {
      name: "a leaf under another leaf",
      make: (id) => leaf(id, makeCertificate({ name: "leaf", issuer: root })),
      underNode: true,
    },
    {
      name: "a URI that holds the text of another name",
      make: (id) => named(`spiffe://example.org/x, URI:${id}`),
      underNode: true,
    },
    {
      name: "a DNS name that holds the text of another name",
      make: (id) => withDns(`example.com, URI:${id}`),
      underNode: true,
    },
    {
      name: "a URI with a NUL behind the identity",
      make: (id) => named(`${id}\0.example.com`),
      underNode: true,
    },
    {
      name: "the identity and another one",
      make: (uri) =>
        makeCertificate({ names: [{ uri }, { uri: "spiffe://example.com/x" }], issuer: root }),
      underNode: true,
    },
    {
      name: "garbage in place of an intermediate",
      make: (id) => {
        const shown = leaf(id, foreign);
        const garbage = writePem("CERTIFICATE", new Uint8Array(300).fill(0x30));
        return { ...shown, chainPem: shown.pem + garbage };
      },
      underNode: false,
    },
    {
      name: "more bytes than a chain may have",
      make: (uri) =>
        makeCertificate({
          names: [{ uri }],
          issuer: root,
          extensions: [extension("1.3.6.1.4.1.55555.2", false, new Uint8Array(33 * 1024))],
        }),
      underNode: true,
      denoClient: false,
    },
    {
      name: "a leaf of a root that has expired",
      make: (id) => leaf(id, expiredRoot),
      underNode: true,
      alsoTrusted: expiredRoot,
    },
    {
      name: "a leaf outside the names its authority may vouch for",
      make: (id) =>
        leaf(
          id,
          makeCertificate({
            name: "constrained",
            authority: 0,
            issuer: root,
            extensions: [permittedUris("allowed.example")],
          }),
        ),
      underNode: true,
    },
  ];

  function forgedIntermediate({ version }: { version: 1 | 3 }): TestCertificate {
    return makeCertificate({
      name: "forged intermediate",
      version,
      authority: 0,
      issuer: foreign,
      issuerNamed: root,
    });
  }
}

/** BOOLEAN TRUE is 0xff in DER (X.690 §11.1); any other octet is BER, which readers differ over. */
export function misencoded(certificate: TestCertificate): TestCertificate {
  const der = certificate.der.slice();
  const at = der.findIndex((octet, index) =>
    octet === 0x01 && der[index + 1] === 0x01 && der[index + 2] === 0xff
  );
  if (at < 0) throw new TypeError("the certificate holds no BOOLEAN");
  der[at + 2] = 0x01;
  return { ...certificate, der, pem: writePem("CERTIFICATE", der) };
}

/** NameConstraints (RFC 5280 §4.2.1.10) that permit URIs of one host. */
function permittedUris(host: string): Uint8Array {
  const base = tagged(0x86, new TextEncoder().encode(host));
  return extension("2.5.29.30", true, sequence(tagged(0xa0, sequence(base))));
}
