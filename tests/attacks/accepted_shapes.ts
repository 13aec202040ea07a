import {
  der,
  extension,
  forge,
  type Forged,
  type ForgeOptions,
  general,
  OID,
} from "../support/forge.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import {
  type KeyKind,
  makeCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from "../support/certificates.ts";
import { CLIENT_ID } from "../support/peers.ts";

/** A client's certificate of a shape that the verdict accepts, and what it takes to accept it. */
export interface AcceptedShape {
  /** What is unusual about it. */
  readonly shape: string;
  /** The kind of its key. */
  readonly keyKind: KeyKind;
  /** What the client shows. */
  readonly certificate: TestCertificate;
  /** The authorities that it shows with it. */
  readonly between: readonly TestCertificate[];
  /** Authorities, or itself, that the worker must trust beside the root. */
  readonly trusts: readonly TestCertificate[];
  /** Whom the worker must allow. */
  readonly allow: string;
}

/** One of each shape, most of them under that root. */
export function acceptedShapes(
  root: TestCertificate,
  intermediate: TestCertificate,
): readonly AcceptedShape[] {
  return [
    ...made(root, intermediate),
    ...forged(),
    pinned("self-signed, in the bundle", {}),
    pinned("self-signed, in the bundle, with no extension but its name", {
      without: Object.values(OID).filter((id) => id !== OID.subjectAlternativeName),
    }),
  ];
}

function made(root: TestCertificate, intermediate: TestCertificate): readonly AcceptedShape[] {
  const shapes: readonly (readonly [string, TestCertificateOptions])[] = [
    ["P-256", { keyKind: "p-256" }],
    ["P-384", { keyKind: "p-384" }],
    ["P-521", { keyKind: "p-521" }],
    ["Ed25519", { keyKind: "ed25519" }],
    ["RSA-2048", { keyKind: "rsa-2048" }],
    ["under an intermediate", { issuer: intermediate }],
    ["for clients only", { usages: ["client"] }],
    ["without extended key usage", { usages: [] }],
    ["without key usage", { keyUsages: [] }],
    ["without either usage", { usages: [], keyUsages: [] }],
    ["with a DNS name beside its SPIFFE ID", {
      names: [{ uri: CLIENT_ID }, { dns: "client.example" }],
    }],
  ];
  return shapes.map(([shape, options]) => ({
    shape,
    keyKind: options.keyKind ?? "p-256",
    certificate: makeCertificate({
      name: "peer",
      names: [{ uri: CLIENT_ID }],
      issuer: root,
      ...options,
    }),
    between: options.issuer === undefined ? [] : [intermediate],
    trusts: [],
    allow: CLIENT_ID,
  }));
}

const names = [general.uri(CLIENT_ID)];

/** What private issuers make otherwise, by the row of docs/trust-verdict.md. */
function forged(): readonly AcceptedShape[] {
  const own = (id: string, critical: boolean, value: Uint8Array): ForgeOptions => ({
    without: [id],
    extensions: [extension(id, critical, value)],
  });
  const purposes = der(0x30, der(0x06, [0x2b, 6, 1, 5, 5, 7, 3, 2]));
  const leaves: readonly (readonly [string, ForgeOptions, string?])[] = [
    ["without key identifiers", {
      without: [OID.authorityKeyIdentifier, OID.subjectKeyIdentifier],
    }],
    ["without basic constraints", { without: [OID.basicConstraints] }],
    [
      "with names that are critical beside a subject",
      own(
        OID.subjectAlternativeName,
        true,
        der(0x30, ...names),
      ),
    ],
    ["with a critical extended key usage", own(OID.extendedKeyUsage, true, purposes)],
    ["for any purpose", { purposes: ["2.5.29.37.0"] }],
    ["with a misspelt name beside its own", {
      names: [general.dns("client..example"), ...names],
    }],
    [
      "with an underscore in its name",
      { names: [general.dns("client_a.example")] },
      "client_a.example",
    ],
    ["with a common name alone", { subject: "agent", names: [] }, "cn:agent"],
  ];
  const roots: readonly (readonly [string, ForgeOptions])[] = [
    ["under a root with an extended key usage", { purposes: [OID.clientAuth, OID.serverAuth] }],
    [
      "under a root whose basic constraints are not critical",
      own(
        OID.basicConstraints,
        false,
        der(0x30, der(0x01, [0xff])),
      ),
    ],
    ["under an anchor that is no root", { issuer: forge({ subject: "above", authority: true }) }],
  ];
  const plain = forge({ subject: "forged root", authority: true });
  return [
    ...leaves.map(([shape, options, allow = CLIENT_ID]) => {
      const leaf = forge({ issuer: plain, names, ...options });
      return shapeOf(shape, leaf, plain, allow);
    }),
    ...roots.map(([shape, options]) => {
      const root = forge({ subject: "odd root", authority: true, ...options });
      return shapeOf(shape, forge({ issuer: root, names }), root, CLIENT_ID);
    }),
  ];
}

function pinned(shape: string, options: ForgeOptions): AcceptedShape {
  const leaf = forge({ names, ...options });
  return shapeOf(shape, leaf, leaf, CLIENT_ID);
}

function shapeOf(shape: string, leaf: Forged, anchor: Forged, allow: string): AcceptedShape {
  const [certificate, trusted] = [leaf, anchor].map(asTestCertificate);
  return {
    shape,
    keyKind: "p-256",
    certificate: certificate!,
    between: [],
    trusts: [trusted!],
    allow,
  };
}

function asTestCertificate({ der, keys }: Forged): TestCertificate {
  const pem = writePem("CERTIFICATE", der);
  return {
    der: Uint8Array.from(der),
    pem,
    chainPem: pem,
    key: keys.privateKey,
    keyPem: String(keys.privateKey.export({ type: "pkcs8", format: "pem" })),
    subject: new Uint8Array(),
    issuer: undefined,
  };
}
