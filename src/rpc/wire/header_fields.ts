import { CONNECTION_FIELDS, type HeaderList } from "../../http2/mod.ts";

/** RFC 9110 §5.6.2; `Headers` throws for what is not a token. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** RFC 9110 §5.5; `Headers` trims, and throws for some of what is not in here. */
const FIELD_VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Whether every field of a section is valid text, pseudo-headers aside. */
export function areValid(fields: HeaderList): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (name.charCodeAt(0) !== COLON && !isValid(name, fields[at + 1] as string)) return false;
  }
  return true;
}

/** The fields of a section as `Headers`, without its pseudo-headers; `undefined` where one is not valid text. */
export function headersOf(fields: HeaderList): Headers | undefined {
  const headers = new Headers();
  let cookie: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    const value = fields[at + 1] as string;
    if (name.charCodeAt(0) === COLON) continue;
    if (!isValid(name, value)) return undefined;
    // RFC 9113 §8.2.3: a cookie may come in parts, and is joined with a semicolon.
    if (name === "cookie") cookie = cookie === undefined ? value : `${cookie}; ${value}`;
    else headers.append(name, value);
  }
  if (cookie !== undefined) headers.set("cookie", cookie);
  return headers;
}

function isValid(name: string, value: string): boolean {
  return TOKEN.test(name) && FIELD_VALUE.test(value);
}

/**
 * Appends the fields of `headers` to a section, without those that HTTP/2 has not, and without a `content-length`:
 * metadata that was copied from another call may hold one, and knows nothing of the body that is sent here.
 */
export function appendFields(section: string[], headers: Headers, prefix = ""): void {
  for (const [name, value] of headers) {
    if (CONNECTION_FIELDS.has(name) || (name === "te" && value !== "trailers")) continue;
    if (name === "content-length" && prefix === "") continue;
    section.push(prefix + name, name === "grpc-message" ? readableMessage(value) : value);
  }
}

/**
 * gRPC wants nothing escaped in a message but `%` and what is not printable ASCII. connect-es escapes
 * more, of which grpc-js leaves these as they are: its callers would read `127.0.0.1%3A8443`.
 */
function readableMessage(message: string): string {
  return message.replace(/%(?:2[346BCF]|3[ABDF]|40)/g, decodeURIComponent);
}

const COLON = 0x3a;

/** From here on a message's length is announced, so that its receiver takes one buffer for it. */
const ANNOUNCED_BYTES = 32 * 1024;

/** The section with the length of the one body that follows, where that is large. */
export function withLength(section: HeaderList, bodyBytes: number): HeaderList {
  if (bodyBytes < ANNOUNCED_BYTES) return section;
  return [...section, "content-length", String(bodyBytes)];
}
