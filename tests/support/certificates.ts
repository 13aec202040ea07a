import { generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import {
  type AlternativeName,
  alternativeNames,
  authorityKeyIdentifier,
  certificateAuthority,
  commonName,
  extendedKeyUsage,
  extension,
  keyIdentifier,
  keyUsage,
  type KeyUsageName,
  notCertificateAuthority,
  subjectKeyIdentifier,
  type TlsUsage,
  writeCertificate,
} from "../../src/credentials/certificate_writer.ts";
import {
  objectIdentifier,
  octetString,
  sequence,
  tagged,
} from "../../src/credentials/der_writer.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";

/** The kinds of keys that tests make. */
export type KeyKind = "p-256" | "p-384" | "p-521" | "ed25519" | "rsa-2048";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What a test wants different from a flawless certificate. */
export interface TestCertificateOptions {
  /** Common name, in the subject. Default `test`. */
  readonly name?: string;
  /** Subject alternative names; none leaves the extension out. Default none. */
  readonly names?: readonly AlternativeName[];
  /** Who signs. Default: itself. */
  readonly issuer?: TestCertificate;
  /** Default p-256. */
  readonly keyKind?: KeyKind;
  /** A key made before. Default: a new one. */
  readonly key?: KeyObject;
  /** X.509 version; 1 has no extensions at all. Default 3. */
  readonly version?: 1 | 3;
  /** First moment, milliseconds since the epoch. Default: five minutes ago. */
  readonly notBefore?: number;
  /** Last moment, milliseconds since the epoch. Default: in a day. */
  readonly notAfter?: number;
  /** Extended key usages; an empty list leaves the extension out. Default both; none for authorities. */
  readonly usages?: readonly TlsUsage[];
  /** Key usages; an empty list leaves the extension out. Default as it should be. */
  readonly keyUsages?: readonly KeyUsageName[];
  /** Makes it an authority, with a path length where a number is given. Default false. */
  readonly authority?: boolean | number;
  /** Big-endian. Default: sixteen random octets. */
  readonly serial?: Uint8Array;
  /** Further extensions, in DER. Default none. */
  readonly extensions?: readonly Uint8Array[];
}

/** A certificate of any shape with its key, and what it is shown with. */
export interface TestCertificate {
  readonly der: Uint8Array<ArrayBuffer>;
  readonly pem: string;
  readonly key: KeyObject;
  readonly keyPem: string;
  /** The subject's name, DER. */
  readonly subject: Uint8Array;
  /** Who signed it; absent where it signed itself. */
  readonly issuer: TestCertificate | undefined;
  /** What a peer shows: itself and the authorities up to, but not with, the root. PEM. */
  readonly chainPem: string;
}

/** Makes a certificate, flawless by default. */
export function makeCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const { issuer } = options;
  const key = options.key ?? makeKey(options.keyKind ?? "p-256");
  const subject = commonName(options.name ?? "test");
  const der = writeCertificate({
    version: options.version ?? 3,
    serial: options.serial ?? makeSerial(),
    issuer: issuer?.subject ?? subject,
    subject,
    notBefore: options.notBefore ?? Date.now() - 5 * MINUTE_MS,
    notAfter: options.notAfter ?? Date.now() + DAY_MS,
    key,
    extensions: options.version === 1 ? [] : extensionsOf(options, key),
  }, issuer?.key ?? key);
  const pem = writePem("CERTIFICATE", der);
  const keyPem = String(key.export({ type: "pkcs8", format: "pem" }));
  const chainPem = pem + (issuer?.issuer === undefined ? "" : issuer.chainPem);
  return { der, pem, key, keyPem, subject, issuer, chainPem };
}

function extensionsOf(options: TestCertificateOptions, key: KeyObject): Uint8Array[] {
  const { authority = false, names = [], issuer } = options;
  const isAuthority = authority !== false;
  const usages = options.usages ?? (isAuthority ? [] : ["server", "client"]);
  const keyUsages = options.keyUsages ??
    (isAuthority ? ["keyCertSign", "cRLSign"] as const : ["digitalSignature"] as const);
  const issuerKey = issuer?.key;
  return [
    isAuthority
      ? certificateAuthority(typeof authority === "number" ? authority : undefined)
      : notCertificateAuthority(),
    ...(keyUsages.length === 0 ? [] : [keyUsage(...keyUsages)]),
    ...(usages.length === 0 ? [] : [extendedKeyUsage(...usages)]),
    subjectKeyIdentifier(key),
    ...(issuerKey === undefined ? [] : [authorityKeyIdentifier(keyIdentifier(issuerKey))]),
    ...(names.length === 0 ? [] : [alternativeNames(names)]),
    ...options.extensions ?? [],
  ];
}

/** Makes a key. RSA takes a fraction of a second. */
export function makeKey(kind: KeyKind): KeyObject {
  switch (kind) {
    case "p-256":
      return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
    case "p-384":
      return generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey;
    case "p-521":
      return generateKeyPairSync("ec", { namedCurve: "secp521r1" }).privateKey;
    case "ed25519":
      return generateKeyPairSync("ed25519").privateKey;
    case "rsa-2048":
      return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  }
}

function makeSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** A root, an intermediate under it, and a root of the same name with another key. */
export interface TestAuthorities {
  readonly root: TestCertificate;
  readonly intermediate: TestCertificate;
  /** Its certificates are of nobody's making we know. */
  readonly foreign: TestCertificate;
  /** Bears the name of `root`, but is another. */
  readonly namesake: TestCertificate;
}

/** Makes the authorities of one test. */
export function makeAuthorities(): TestAuthorities {
  const root = makeCertificate({ name: "test root", authority: true });
  return {
    root,
    intermediate: makeCertificate({ name: "test intermediate", authority: 0, issuer: root }),
    foreign: makeCertificate({ name: "foreign root", authority: true }),
    namesake: makeCertificate({ name: "test root", authority: true }),
  };
}

/** A peer's certificate in every shape that a handshake may meet, made when it is asked for. */
export type CertificateShapes = { readonly [Shape in CertificateShape]: () => TestCertificate };

/** What is special about a peer's certificate. */
export type CertificateShape =
  | "fine"
  | "fine-under-intermediate"
  | "fine-p-384"
  | "fine-p-521"
  | "fine-ed25519"
  | "fine-rsa-2048"
  | "foreign-authority"
  | "namesake-authority"
  | "self-signed"
  | "other-identity"
  | "expired"
  | "not-yet-valid"
  | "client-only"
  | "server-only"
  | "no-san"
  | "several-uri-sans"
  | "no-digital-signature"
  | "unknown-critical-extension"
  | "authority-as-leaf"
  | "version-1"
  | "misencoded"
  | "space-in-name"
  | "broken-chain"
  | "missing-intermediate";

/**
 * The shapes of a peer's certificate, under `authorities.root` where they are under anything we trust.
 *
 * @param identity The peer's SPIFFE ID.
 */
export function certificateShapes(
  { root, intermediate, foreign, namesake }: TestAuthorities,
  identity: string,
): CertificateShapes {
  const names = [{ uri: identity }];
  const make = (options: TestCertificateOptions): TestCertificate =>
    makeCertificate({ name: "peer", names, issuer: root, ...options });
  return {
    "fine": () => make({}),
    "fine-under-intermediate": () => make({ issuer: intermediate }),
    "fine-p-384": () => make({ keyKind: "p-384" }),
    "fine-p-521": () => make({ keyKind: "p-521" }),
    "fine-ed25519": () => make({ keyKind: "ed25519" }),
    "fine-rsa-2048": () => make({ keyKind: "rsa-2048" }),
    "foreign-authority": () => make({ issuer: foreign }),
    "namesake-authority": () => make({ issuer: namesake }),
    "self-signed": () => makeCertificate({ name: "peer", names }),
    "other-identity": () => make({ names: [{ uri: `${identity}-other` }] }),
    "expired": () => make({ notBefore: Date.now() - DAY_MS, notAfter: Date.now() - MINUTE_MS }),
    "not-yet-valid": () => make({ notBefore: Date.now() + 10 * MINUTE_MS }),
    "client-only": () => make({ usages: ["client"] }),
    "server-only": () => make({ usages: ["server"] }),
    "no-san": () => make({ names: [] }),
    "several-uri-sans": () => make({ names: [...names, { uri: `${identity}/second` }] }),
    "no-digital-signature": () => make({ keyUsages: ["keyEncipherment"] }),
    "unknown-critical-extension": () =>
      make({ extensions: [extension("1.3.6.1.4.1.55555.1", true, Uint8Array.of(0x05, 0x00))] }),
    "authority-as-leaf": () =>
      make({ authority: true, keyUsages: ["digitalSignature", "keyCertSign"] }),
    "version-1": () => make({ version: 1 }),
    "misencoded": () => make({ extensions: [misencodedExtension()] }),
    "space-in-name": () => make({ names: [{ uri: `${identity} x` }] }),
    "broken-chain": () => shownWith(make({ issuer: intermediate }), namesake),
    "missing-intermediate": () => shownWith(make({ issuer: intermediate })),
  };
}

/**
 * An issuer's other name, its length in two octets where one is enough: not DER (X.690 §10.1), so that a strict reader
 * refuses a certificate that holds it, although its authority did sign it. Deno, Node, Go and nginx do not read it.
 */
export function misencodedExtension(): Uint8Array {
  const name = tagged(0x82, new TextEncoder().encode("issuer.example"));
  const names = Uint8Array.of(0x30, 0x81, name.length, ...name);
  return sequence(objectIdentifier("2.5.29.18"), octetString(names));
}

/** The same certificate, shown with other authorities than its own. */
export function shownWith(
  certificate: TestCertificate,
  ...authorities: readonly TestCertificate[]
): TestCertificate {
  const chainPem = [certificate, ...authorities].map(({ pem }) => pem).join("");
  return { ...certificate, chainPem };
}

/** A denylist that names this certificate by its serial number. */
export function denylistOf({ der }: TestCertificate): string {
  const serial = new X509Certificate(der).serialNumber.toLowerCase();
  return JSON.stringify({ serials: [serial] });
}
