/** `Uint8Array`'s own methods, which Node 24 does not have (ECMAScript 2026). */
interface ByteText {
  toHex?: () => string;
  toBase64?: () => string;
}

interface ByteReaders {
  fromHex?: (text: string) => Uint8Array<ArrayBuffer>;
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
}

const native = (): ByteReaders => Uint8Array as ByteReaders;

/** Bytes as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  const { toHex: own } = bytes as ByteText;
  if (own !== undefined) return own.call(bytes);
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * The bytes of hexadecimal digits.
 *
 * @throws {SyntaxError} Where the text is anything but pairs of them.
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (native().fromHex !== undefined) return Uint8Array.fromHex(text);
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new SyntaxError("the text is not hexadecimal");
  const bytes: Uint8Array<ArrayBuffer> = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

/** Bytes as base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  const { toBase64: own } = bytes as ByteText;
  if (own !== undefined) return own.call(bytes);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Bytes as base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * The bytes of base64; white space is skipped, padding may be left out.
 *
 * @throws {SyntaxError} Where the text is not base64.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  if (native().fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  let binary: string;
  try {
    binary = atob(text);
  } catch (cause) {
    throw new SyntaxError("the text is not base64", { cause });
  }
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/**
 * The bytes of base64url.
 *
 * @throws {SyntaxError} Where the text is not base64url.
 */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  if (/[+/]/.test(text)) throw new SyntaxError("the text is not base64url");
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}
