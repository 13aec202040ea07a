/**
 * Makes certificates octet by octet, right ones and every kind of wrong one, for tests.
 *
 * What is not asked for is as it should be.
 */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type SignKeyObjectInput,
} from "node:crypto";

/** A DER element. */
export function der(tag: number, ...contents: readonly (Uint8Array | readonly number[])[]) {
  const body = Uint8Array.from(contents.flatMap((part) => [...part]));
  const { length } = body;
  const header = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : length < 0x10000
    ? [0x82, length >> 8, length & 0xff]
    : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Uint8Array.from([tag, ...header, ...body]);
}

/** ASCII octets. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** An OBJECT IDENTIFIER. */
export function oid(dotted: string): Uint8Array {
  const [a = 0, b = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, [a * 40 + b, ...rest].flatMap(base128));
}

function base128(arc: number): number[] {
  const digits = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(0x80 | rest % 128);
  }
  return digits;
}

/** A Name of one common name; none at all for `""`. */
export function name(commonName: string): Uint8Array {
  if (commonName === "") return der(0x30);
  const value = der(0x0c, new TextEncoder().encode(commonName));
  return der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), value)));
}

/** An extension. */
export function extension(id: string, critical: boolean, value: Uint8Array): Uint8Array {
  return der(0x30, oid(id), critical ? der(0x01, [0xff]) : [], der(0x04, value));
}

/** General names by their tag. */
export const general = {
  dns: (text: string): Uint8Array => der(0x82, ascii(text)),
  uri: (text: string): Uint8Array => der(0x86, ascii(text)),
  email: (text: string): Uint8Array => der(0x81, ascii(text)),
  ip: (...octets: number[]): Uint8Array => der(0x87, octets),
  directory: (commonName: string): Uint8Array => der(0xa4, name(commonName)),
  other: (): Uint8Array => der(0xa0, oid("1.3.6.1.4.1.1"), der(0xa0, der(0x0c, ascii("x")))),
} as const;

/** What is asked of a forged certificate. */
export interface ForgeOptions {
  /** The subject's common name. Default `peer`. */
  readonly subject?: string;
  /** The issuer's, where it is to claim another than it has. */
  readonly issuerNamed?: string;
  /** Who signs. Default: itself. */
  readonly issuer?: Forged;
  /** Whose key signs, where it is not the issuer's. */
  readonly signedBy?: KeyObject | SignKeyObjectInput;
  /** Its key. Default: a new P-256 key. */
  readonly keys?: Keys;
  /** Whether it is an authority. Default false. */
  readonly authority?: boolean;
  /** Default: none. */
  readonly pathLength?: number;
  /** Subject alternative names. Default: `spiffe://example.org/worker` of a leaf. */
  readonly names?: readonly Uint8Array[];
  /** Default: an hour ago. */
  readonly notBefore?: number;
  /** Default: in an hour. */
  readonly notAfter?: number;
  /** Whether the dates are written with years of four digits, which before 2050 are of two. Default false. */
  readonly longYears?: boolean;
  /** The first octet of the key usage bits; none at all for `undefined`. Default by `authority`. */
  readonly keyUsage?: number | undefined;
  /** Extended key usages; no extension for `[]`. Default both TLS roles of a leaf. */
  readonly purposes?: readonly string[];
  /** Permitted and excluded subtrees. Default: no constraints. */
  readonly constraints?: {
    readonly permitted?: readonly Uint8Array[];
    readonly excluded?: readonly Uint8Array[];
  };
  /** Extensions left out, by OID. Default: none. */
  readonly without?: readonly string[];
  /** Further extensions. Default: none. */
  readonly extensions?: readonly Uint8Array[];
  /** The version's number, 2 being v3. Default 2. */
  readonly version?: number;
  /** The octets of the serial number. Default `01 02 03`. */
  readonly serial?: readonly number[];
  /** The AlgorithmIdentifier. Default ecdsa-with-SHA256. */
  readonly algorithm?: Uint8Array;
  /** The digest it is signed over; `null` for Ed25519. Default `sha256`. */
  readonly digest?: string | null;
}

/** A key pair. */
export interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A certificate that was made. */
export interface Forged {
  readonly der: Uint8Array;
  readonly subject: string;
  readonly keys: Keys;
}

/** A new P-256 key pair. */
export function newKeys(): Keys {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** The OIDs that tests speak of. */
export const OID = {
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

const ECDSA_SHA256 = der(0x30, oid("1.2.840.10045.4.3.2"));

/** Makes a certificate. */
export function forge(options: ForgeOptions = {}): Forged {
  const { subject = "peer", authority = false, keys = newKeys(), algorithm = ECDSA_SHA256 } =
    options;
  const issuer = options.issuer ?? { subject, keys };
  const tbs = der(
    0x30,
    options.version === 0 ? [] : der(0xa0, der(0x02, [options.version ?? 2])),
    der(0x02, options.serial ?? [1, 2, 3]),
    algorithm,
    name(options.issuerNamed ?? issuer.subject),
    der(
      0x30,
      time(options.notBefore ?? Date.now() - 3_600_000, options.longYears),
      time(options.notAfter ?? Date.now() + 3_600_000, options.longYears),
    ),
    name(subject),
    spkiOf(keys),
    options.version === 0
      ? []
      : der(0xa3, der(0x30, ...extensionsOf(options, keys, issuer.keys, authority))),
  );
  const signature = sign(
    options.digest === undefined ? "sha256" : options.digest,
    tbs,
    options.signedBy ?? issuer.keys.privateKey,
  );
  return { der: der(0x30, tbs, algorithm, der(0x03, [0], signature)), subject, keys };
}

function extensionsOf(
  options: ForgeOptions,
  keys: Keys,
  issuerKeys: Keys,
  authority: boolean,
): Uint8Array[] {
  const {
    names = authority ? [] : [general.uri("spiffe://example.org/worker")],
    purposes = authority ? [] : [OID.serverAuth, OID.clientAuth],
    constraints,
    without = [],
  } = options;
  const usage = "keyUsage" in options ? options.keyUsage : authority ? 0x06 : 0x80;
  const list: [string, boolean, Uint8Array | undefined][] = [
    [OID.subjectKeyIdentifier, false, der(0x04, keyIdentifier(keys))],
    [OID.authorityKeyIdentifier, false, der(0x30, der(0x80, keyIdentifier(issuerKeys)))],
    [OID.basicConstraints, true, basicConstraints(authority, options.pathLength)],
    [OID.keyUsage, true, usage === undefined ? undefined : keyUsageBits(usage)],
    [OID.extendedKeyUsage, false, listOf(purposes.map(oid))],
    [OID.subjectAlternativeName, options.subject === "", listOf(names)],
    [OID.nameConstraints, true, constraints && nameConstraints(constraints)],
  ];
  const made = list.flatMap(([id, critical, value]) =>
    value === undefined || without.includes(id) ? [] : [extension(id, critical, value)]
  );
  return [...made, ...options.extensions ?? []];
}

function basicConstraints(authority: boolean, pathLength: number | undefined): Uint8Array {
  return der(
    0x30,
    authority ? der(0x01, [0xff]) : [],
    pathLength === undefined ? [] : der(0x02, [pathLength]),
  );
}

function keyUsageBits(octet: number): Uint8Array {
  const unused = octet === 0 ? 0 : Math.log2(octet & -octet);
  return octet === 0 ? der(0x03, [0]) : der(0x03, [unused, octet]);
}

function nameConstraints(
  { permitted = [], excluded = [] }: NonNullable<ForgeOptions["constraints"]>,
): Uint8Array {
  const trees = (tag: number, bases: readonly Uint8Array[]) =>
    bases.length === 0 ? [] : der(tag, ...bases.map((base) => der(0x30, base)));
  return der(0x30, trees(0xa0, permitted), trees(0xa1, excluded));
}

function listOf(members: readonly Uint8Array[]): Uint8Array | undefined {
  return members.length === 0 ? undefined : der(0x30, ...members);
}

function spkiOf({ publicKey }: Keys): Uint8Array {
  return Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
}

function keyIdentifier(keys: Keys): Uint8Array {
  return createHash("sha1").update(spkiOf(keys)).digest();
}

function time(at: number, longYears = false): Uint8Array {
  const digits = new Date(at).toISOString().replace(/\.\d+|[-:T]/g, "");
  return new Date(at).getUTCFullYear() < 2050 && !longYears
    ? der(0x17, ascii(digits.slice(2)))
    : der(0x18, ascii(digits));
}
