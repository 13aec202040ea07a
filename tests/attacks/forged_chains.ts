import { extension } from "../../src/credentials/certificate_writer.ts";
import { sequence, tagged } from "../../src/credentials/der_writer.ts";
import {
  makeCertificate,
  misencodedExtension,
  type TestAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";

/** A chain that must never prove a peer. */
export interface ForgedChain {
  /** What is wrong with it. */
  readonly name: string;
  /** The certificate as it is shown, for a peer that should be `identity`. */
  readonly make: (identity: string) => TestCertificate;
  /**
   * Whether a Deno client can be sent the reason: the platform seals a client's chain into its tickets, twice,
   * and its own client does not read so many bytes of them. Default true.
   */
  readonly denoClient?: boolean;
  /** Where set, an authority that is trusted besides the root. */
  readonly alsoTrusted?: TestCertificate;
}

const DAY_MS = 24 * 3_600_000;

/** Every forgery, under these authorities: only `root` is trusted. */
export function forgedChains({ root, namesake }: TestAuthorities): ForgedChain[] {
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
  return [
    {
      name: "a version 1 leaf",
      make: () => makeCertificate({ version: 1, issuer: root }),
    },
    {
      name: "a leaf that was signed with a broken encoding",
      make: (uri) =>
        makeCertificate({ names: [{ uri }], issuer: root, extensions: [misencodedExtension()] }),
    },
    {
      name: "a leaf of an authority with the same name and another key",
      make: (id) => leaf(id, namesake),
    },
    {
      name: "a leaf without digitalSignature",
      make: (uri) =>
        makeCertificate({ names: [{ uri }], issuer: root, keyUsages: ["keyEncipherment"] }),
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
    },
    {
      name: "a leaf under another leaf",
      make: (id) => leaf(id, makeCertificate({ name: "leaf", issuer: root })),
    },
    {
      name: "a URI with a space in it",
      make: (id) => named(`${id} x`),
    },
    {
      name: "the identity and another one",
      make: (uri) =>
        makeCertificate({ names: [{ uri }, { uri: "spiffe://example.com/x" }], issuer: root }),
    },
    {
      name: "more bytes than a chain may have",
      make: (uri) =>
        makeCertificate({
          names: [{ uri }],
          issuer: root,
          extensions: [extension("1.3.6.1.4.1.55555.2", false, new Uint8Array(33 * 1024))],
        }),
      denoClient: false,
    },
    {
      name: "a leaf of a root that has expired",
      make: (id) => leaf(id, expiredRoot),
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
    },
  ];
}

/** NameConstraints (RFC 5280 §4.2.1.10) that permit URIs of one host. */
function permittedUris(host: string): Uint8Array {
  const base = tagged(0x86, new TextEncoder().encode(host));
  return extension("2.5.29.30", true, sequence(tagged(0xa0, sequence(base))));
}
