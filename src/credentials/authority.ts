import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { isIP } from "node:net";
import { escapePeerText, insistOnNames, type OptionNames, unusable } from "../errors/mod.ts";
import {
  type Certificate,
  isCertificateFault,
  parsePemBundle,
  parseSpiffeId,
} from "../identity/mod.ts";
import {
  type AlternativeName,
  alternativeNames,
  authorityKeyIdentifier,
  certificateAuthority,
  commonName,
  extendedKeyUsage,
  keyIdentifier,
  keyUsage,
  notCertificateAuthority,
  subjectKeyIdentifier,
  type TlsUsage,
  writeCertificate,
} from "./certificate_writer.ts";
import { writePem } from "./pem_writer.ts";
import { fromHex, toHex } from "../platform/mod.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Certificates begin this long before they are issued, for clocks that are a little behind; short
 * ones by a third of their time, so that two thirds of their lifetime are still ahead.
 */
const BACKDATED_MS = 5 * MINUTE_MS;

/** Settings of a new {@linkcode Authority}. */
export interface AuthorityOptions {
  /** The authority's common name. Default `Selvage development authority`. */
  readonly name?: string;
  /** How long it lasts, in milliseconds. Default ten years. */
  readonly ttlMs?: number;
  /** How long before now it is valid from, in milliseconds. Default: five minutes, or a third of `ttlMs`. */
  readonly backdatedMs?: number;
  /** How many authorities may stand between it and a leaf. Default 0: it issues leaves only. */
  readonly pathLength?: number;
  /** The time, in milliseconds since the epoch. Default: the machine's clock. */
  readonly now?: () => number;
}

/** What a certificate is asked for. */
export interface IssueRequest {
  /** The common name; also the DNS name where it is a host name and no other name is given. */
  readonly name: string;
  /** DNS names, a whole-label `*` allowed in front. */
  readonly dns?: readonly string[] | undefined;
  /** The one SPIFFE ID. */
  readonly spiffe?: string | undefined;
  /** IP addresses. */
  readonly ip?: readonly string[] | undefined;
  /** How long it is valid from now on, in milliseconds, at most as long as the authority. Default 24 h. */
  readonly ttlMs?: number | undefined;
  /** What it may be used for. Default both. */
  readonly usages?: readonly TlsUsage[] | undefined;
}

const AUTHORITY_NAMES = {
  name: true,
  ttlMs: true,
  backdatedMs: true,
  pathLength: true,
  now: true,
} satisfies OptionNames<AuthorityOptions>;

const REQUEST_NAMES = {
  name: true,
  dns: true,
  spiffe: true,
  ip: true,
  ttlMs: true,
  usages: true,
} satisfies OptionNames<IssueRequest>;

/** An issued certificate with its private key. */
export class IssuedCertificate {
  /** The certificate, PEM. */
  readonly certPem: string;
  /** The authority that vouches for it, PEM. */
  readonly caPem: string;
  readonly #keyPem: string;

  /** Made by {@linkcode Authority.issue}. */
  constructor(certPem: string, keyPem: string, caPem: string) {
    this.certPem = certPem;
    this.#keyPem = keyPem;
    this.caPem = caPem;
  }

  /** The private key, PKCS#8 PEM. No inspection or serialisation of this object shows it. */
  get keyPem(): string {
    return this.#keyPem;
  }
}

/**
 * A certificate authority in memory, with ECDSA P-256 keys: for development, for tests and for the
 * workers that a pool spawns.
 *
 * @example Issue a worker's certificate
 * ```ts
 * import { createAuthority } from "./mod.ts";
 *
 * const authority = createAuthority();
 * const { certPem, keyPem } = authority.issue({
 *   name: "worker",
 *   spiffe: "spiffe://example.org/worker",
 * });
 * ```
 */
export class Authority {
  /** The authority's own certificate, PEM. */
  readonly certPem: string;
  readonly #certificate: Certificate;
  readonly #key: KeyObject;
  readonly #now: () => number;

  /**
   * Takes an authority's certificate and private key, both PEM.
   *
   * @throws {ConfigurationError} if they cannot be read, do not belong together, or are no authority's.
   */
  constructor(certPem: string, keyPem: string, now: () => number = Date.now) {
    this.certPem = certPem;
    this.#certificate = readAuthority(certPem);
    this.#key = readKeyOf(this.#certificate, keyPem);
    this.#now = now;
  }

  /** The authority's private key, PKCS#8 PEM. No inspection or serialisation of this object shows it. */
  get keyPem(): string {
    return privateKeyPem(this.#key);
  }

  /**
   * Issues a certificate with a key of its own.
   *
   * @throws {ConfigurationError} if a name is invalid, none is given, the authority has expired, or there is no
   *   option of such a name.
   */
  issue(request: IssueRequest): IssuedCertificate {
    insistOnNames("issue()", request, REQUEST_NAMES);
    const now = this.#now();
    const names = requestedNames(request);
    const { subject, notBefore, notAfter } = this.#certificate;
    const ttlMs = request.ttlMs ?? DAY_MS;
    requireTime(now, ttlMs, notAfter);
    const key = newKey();
    const der = writeCertificate({
      serial: newSerial(),
      issuer: subject.der,
      subject: commonName(request.name),
      notBefore: Math.max(now - backdatedMs(ttlMs), notBefore),
      notAfter: Math.min(now + ttlMs, notAfter),
      key,
      extensions: [
        notCertificateAuthority(),
        keyUsage("digitalSignature"),
        extendedKeyUsage(...(request.usages ?? ["server", "client"])),
        subjectKeyIdentifier(key),
        authorityKeyIdentifier(this.#keyIdentifier()),
        alternativeNames(names),
      ],
    }, this.#key);
    return new IssuedCertificate(
      writePem("CERTIFICATE", der),
      privateKeyPem(key),
      this.certPem,
    );
  }

  #keyIdentifier(): Uint8Array {
    const { subjectKeyIdentifier: given } = this.#certificate.extensions;
    return given === undefined ? keyIdentifier(this.#key) : fromHex(given);
  }
}

/**
 * Makes a new authority, in memory.
 *
 * @throws {ConfigurationError} if it has no option of such a name.
 */
export function createAuthority(options: AuthorityOptions = {}): Authority {
  insistOnNames("createAuthority()", options, AUTHORITY_NAMES);
  const now = options.now ?? Date.now;
  const ttlMs = options.ttlMs ?? 3650 * DAY_MS;
  const key = newKey();
  const subject = commonName(options.name ?? "Selvage development authority");
  const der = writeCertificate({
    serial: newSerial(),
    issuer: subject,
    subject,
    notBefore: now() - (options.backdatedMs ?? backdatedMs(ttlMs)),
    notAfter: now() + ttlMs,
    key,
    extensions: [
      certificateAuthority(options.pathLength ?? 0),
      keyUsage("keyCertSign", "cRLSign"),
      subjectKeyIdentifier(key),
    ],
  }, key);
  return new Authority(writePem("CERTIFICATE", der), privateKeyPem(key), now);
}

function readAuthority(certPem: string): Certificate {
  const read = parsePemBundle(certPem);
  if (isCertificateFault(read)) {
    throw unusable("ca", `the authority's certificate: ${read.found}`);
  }
  const [certificate] = read;
  const { basicConstraints, keyUsage } = certificate?.extensions ?? {};
  if (certificate === undefined || basicConstraints?.ca !== true) {
    throw unusable("ca", "the certificate is not an authority's");
  }
  if (keyUsage !== undefined && !keyUsage.has("keyCertSign")) {
    throw unusable("ca", "the authority may not sign certificates");
  }
  return certificate;
}

function readKeyOf(certificate: Certificate, keyPem: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(keyPem);
  } catch {
    throw unusable("key", "the authority's key is not a private key in PEM");
  }
  const spki: Uint8Array = createPublicKey(key).export({ type: "spki", format: "der" });
  if (toHex(spki) !== toHex(certificate.publicKey.spki)) {
    throw unusable("key", "the key is not the authority's");
  }
  return key;
}

function requireTime(now: number, ttlMs: number, authorityEnds: number): void {
  if (!(ttlMs >= 1000)) {
    throw unusable("ttl", `a certificate cannot be valid for ${ttlMs} ms`);
  }
  if (now >= authorityEnds) {
    const ended = new Date(authorityEnds).toISOString();
    throw unusable("ca", `the authority expired at ${ended}`);
  }
}

function backdatedMs(ttlMs: number): number {
  return Math.min(BACKDATED_MS, ttlMs / 3);
}

const HOST_NAME =
  /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function requestedNames(request: IssueRequest): readonly AlternativeName[] {
  const { name, dns = [], ip = [], spiffe } = request;
  const names: AlternativeName[] = [
    ...(spiffe === undefined ? [] : [{ uri: spiffe }]),
    ...dns.map((host) => ({ dns: host })),
    ...ip.map((address) => ({ ip: address })),
  ];
  if (names.length === 0) names.push({ dns: name });
  for (const requested of names) requireName(requested);
  return names;
}

function requireName(name: AlternativeName): void {
  if ("uri" in name) {
    if (parseSpiffeId(name.uri) !== undefined) return;
    throw unusable(
      "spiffe",
      `"${
        escapePeerText(name.uri)
      }" is no SPIFFE ID; write spiffe://DOMAIN/PATH: a domain of a-z, 0-9, ".", "-" and ` +
        '"_", and a path of letters, digits and those',
    );
  }
  if ("ip" in name) {
    if (isIP(name.ip) !== 0 && !name.ip.includes("%")) return;
    throw unusable("ip", `"${escapePeerText(name.ip)}" is no IP address`);
  }
  if (name.dns.length <= 253 && HOST_NAME.test(name.dns) && isIP(name.dns) === 0) return;
  throw unusable("dns", `"${escapePeerText(name.dns)}" is no host name`);
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
}

/** Sixteen octets, positive and without a leading zero (RFC 5280 §4.1.2.2 allows twenty). */
function newSerial(): Uint8Array {
  const serial = new Uint8Array(randomBytes(16));
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

function privateKeyPem(key: KeyObject): string {
  return String(key.export({ type: "pkcs8", format: "pem" }));
}
