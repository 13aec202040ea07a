import { type ConfigurationError, unusable } from "../errors/mod.ts";
import type { Certificate } from "./certificate/certificate.ts";
import { parseSpiffeId } from "./names/spiffe_id.ts";

/** What a denylist is made of; the JSON of a denylist file holds the same three lists. */
export interface DenylistEntries {
  /** SPIFFE IDs, whole. Default: none. */
  readonly spiffeIds?: readonly string[];
  /**
   * Serial numbers in hexadecimal, as openssl, Windows and Vault print them: `serial=04FA`, `0x4fa`, `04:fa`, `04 fa`.
   * One of 25 decimal digits or more is an error unless `0x` says that it is hexadecimal. Default: none.
   */
  readonly serials?: readonly string[];
  /** SHA-256 over the SubjectPublicKeyInfo, in hexadecimal or as a pin: `sha256//` and base64. Default: none. */
  readonly spkiSha256?: readonly string[];
}

/** The names of the lists. */
const LISTS: readonly string[] = ["spiffeIds", "serials", "spkiSha256"];

/**
 * Who is refused although all else is well: our answer to revocation, next to short lifetimes.
 *
 * A serial or a key denies a certificate anywhere on the path, so an authority can be denied too.
 */
export class Denylist {
  /** The denylist without entries. */
  static readonly empty: Denylist = new Denylist({});
  readonly #spiffeIds: ReadonlySet<string>;
  readonly #serials: ReadonlySet<string>;
  readonly #keys: ReadonlySet<string>;

  /**
   * Checks and keeps the entries.
   *
   * @throws {ConfigurationError} where an entry is not what its list holds.
   */
  constructor(entries: DenylistEntries) {
    const unknown = Object.keys(entries).find((key) => !LISTS.includes(key));
    if (unknown !== undefined) {
      throw refuse(
        `has an unknown list ${JSON.stringify(unknown)}; its lists are ${LISTS.join(", ")}`,
      );
    }
    this.#spiffeIds = new Set(entries.spiffeIds?.map(checkedId));
    this.#serials = new Set(entries.serials?.map(checkedSerial));
    this.#keys = new Set(entries.spkiSha256?.map(checkedHash));
  }

  /**
   * Reads the JSON of a denylist file: `{"spiffeIds":[…],"serials":[…],"spkiSha256":[…]}`.
   *
   * @throws {ConfigurationError} where it is not that, or has a list twice.
   */
  static parse(text: string): Denylist {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw refuse("is not JSON", cause);
    }
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      throw refuse("must be an object of lists");
    }
    for (const [key, list] of Object.entries(json)) {
      const ofText = Array.isArray(list) && list.every((entry) => typeof entry === "string");
      if (LISTS.includes(key) && !ofText) {
        throw refuse(`needs a list of strings as ${JSON.stringify(key)}`);
      }
    }
    // Of a list that is written twice JSON keeps the last: the first would deny nobody.
    if (keysWritten(text) > Object.keys(json).length) throw refuse("has a list twice");
    return new Denylist(json);
  }

  /** How many entries there are. */
  get size(): number {
    return this.#spiffeIds.size + this.#serials.size + this.#keys.size;
  }

  /** The entry that denies the certificate, in words; `undefined` where none does. */
  entryAgainst(certificate: Certificate): string | undefined {
    if (this.#keys.has(certificate.publicKey.spkiSha256)) return "its key";
    if (this.#serials.has(certificate.serial)) return "its serial number";
    for (const name of certificate.extensions.subjectAlternativeNames ?? []) {
      if (name.kind === "uri" && this.#spiffeIds.has(name.uri)) return "its SPIFFE ID";
    }
    return undefined;
  }
}

/** How many keys valid JSON is written with: strings before a colon, whatever other strings hold. */
function keysWritten(text: string): number {
  let keys = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (colon !== undefined) keys++;
  }
  return keys;
}

function checkedId(text: string): string {
  if (parseSpiffeId(text) === undefined) throw refuse(`has no SPIFFE ID in ${quoted(text)}`);
  return text;
}

/** So many digits and no letter are next to never hexadecimal, and are how Go, Python and step print a serial. */
const DECIMAL = /^\d{25,}$/;

function checkedSerial(text: string): string {
  if (DECIMAL.test(text.trim())) {
    throw refuse(
      `has a serial that looks decimal, ${
        quoted(text)
      }; write it in hexadecimal, with 0x before it if it is`,
    );
  }
  const digits = text.trim().toLowerCase().replace(/^serial=/, "").replace(/^0x/, "")
    .replace(/[:\s]/g, "");
  if (!/^[0-9a-f]+$/.test(digits)) throw refuse(`has no hexadecimal serial in ${quoted(text)}`);
  return digits.replace(/^0+(?=.)/, "");
}

/** A pin as curl and HTTP Public Key Pinning (RFC 7469 §2.4) write it: 32 bytes in base64. */
const PIN = /^(?:sha256\/{1,2})?([A-Za-z0-9+/]{43}=)$/;

function checkedHash(text: string): string {
  const pin = PIN.exec(text.trim())?.[1];
  if (pin !== undefined) return hexadecimal(atob(pin));
  const digits = text.replace(/[:\s]/g, "").toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(digits)) throw refuse(`has no SHA-256 in ${quoted(text)}`);
  return digits;
}

function hexadecimal(octets: string): string {
  return Array.from(octets, (octet) => octet.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 256));
}

function refuse(why: string, cause?: unknown): ConfigurationError {
  return unusable("denylist", `the denylist ${why}`, cause);
}
