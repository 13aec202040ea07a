/** What RFC 9113 §8.2 makes of a field's name. */
export type NameKind = "regular" | "pseudo" | "connection-specific" | "malformed";

/** Fields that belong to a connection and not to a message, RFC 9113 §8.2.2. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Names are few; those beyond this many are judged anew each time. */
const MAX_JUDGED_NAMES = 1024;

const judged: Map<string, NameKind> = new Map();

/** Judges a field name. */
export function nameKind(name: string): NameKind {
  const known = judged.get(name);
  if (known) return known;
  const kind = judge(name);
  if (judged.size < MAX_JUDGED_NAMES && name.length <= 64) judged.set(name, kind);
  return kind;
}

function judge(name: string): NameKind {
  if (CONNECTION_FIELDS.has(name)) return "connection-specific";
  const pseudo = name.startsWith(":");
  if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(pseudo ? name.slice(1) : name)) return "malformed";
  return pseudo ? "pseudo" : "regular";
}

/**
 * Whether a value has only what RFC 9110 §5.5 allows, and neither begins nor ends with white space
 * (RFC 9113 §8.2.1). Characters are octets.
 */
export function isFieldValue(value: string): boolean {
  const length = value.length;
  if (length === 0) return true;
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1))) return false;
  for (let at = 0; at < length; at++) {
    const octet = value.charCodeAt(at);
    if (octet < 0x20 ? octet !== 0x09 : octet === 0x7f || octet > 0xff) return false;
  }
  return true;
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}

/** A `content-length` as a number, or -1 where it is invalid. */
export function contentLength(value: string): number {
  return /^[0-9]{1,15}$/.test(value) ? Number(value) : -1;
}
