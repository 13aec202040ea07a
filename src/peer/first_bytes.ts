/** What a peer seems to speak, by the first bytes it sent. */
export type Spoken = "nothing" | "tls" | "http/2" | "http/1" | "ssh" | "something else";

/** A TLS record: change_cipher_spec, alert, handshake or application data, of SSL 3 or TLS (RFC 8446 §5.1). */
const TLS_CONTENT_TYPES: ReadonlySet<number> = new Set([0x14, 0x15, 0x16, 0x17]);
const TLS_MAJOR = 3;
const SETTINGS = 4;

/** What the first bytes look like. */
export function spoken(first: Uint8Array): Spoken {
  const [type, major] = first;
  if (type === undefined) return "nothing";
  if (TLS_CONTENT_TYPES.has(type) && (major === undefined || major === TLS_MAJOR)) return "tls";
  const text = String.fromCharCode(...first);
  if (text.startsWith("PRI * HTTP/2.0") || isSettings(first)) return "http/2";
  if (/^(HTTP\/1|[A-Z]{3,7} [/*h])/.test(text)) return "http/1";
  if (text.startsWith("SSH-")) return "ssh";
  return "something else";
}

/** The alert record a TLS server answers plaintext with begins so. */
export function isAlertRecord(first: Uint8Array): boolean {
  return first[0] === 0x15;
}

/** One clause for a person. */
export function describeSpoken(first: Uint8Array): string {
  const kind = spoken(first);
  return kind === "something else"
    ? `neither TLS nor HTTP/2 (${hexOf(first)})`
    : kind.toUpperCase();
}

function isSettings(first: Uint8Array): boolean {
  return first.length >= 9 && first[0] === 0 && first[3] === SETTINGS &&
    first.subarray(5, 9).every((octet) => octet === 0);
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
}
