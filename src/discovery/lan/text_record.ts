import type { Announcement } from "../announcement.ts";
import { announcedWorker } from "../announcement_text.ts";
import type { DiscoveredWorker } from "../discovery.ts";
import { present } from "../../values/mod.ts";

/** A string of a TXT record (RFC 6763 §6.1), in bytes. */
const MAX_STRING_BYTES = 255;

/** What is left of a message for the TXT record, in bytes. */
const MAX_TEXT_BYTES = 8_000;

/** What a key's string holds of the signed statement, which is ASCII. */
const PART_LENGTH = 240;

/** More parts than these fit into no message. */
const MAX_PARTS = 64;

/**
 * Writes an announcement as a TXT record: `txtvers=1`, `id=…`, `tls=1`, `tag.0=…`, `signed.0=…`. A key is there once
 * (RFC 6763 §6.4), so lists are numbered.
 *
 * @throws {Error} If it does not fit.
 */
export function writeText({ id, tls, tags, signed }: Announcement): readonly Uint8Array[] {
  const parts = signed === undefined
    ? []
    : signed.match(new RegExp(`.{1,${PART_LENGTH}}`, "gs")) ?? [];
  const strings = [
    "txtvers=1",
    `id=${id}`,
    `tls=${tls ? 1 : 0}`,
    ...tags.map((tag, at) => `tag.${at}=${tag}`),
    ...parts.map((part, at) => `signed.${at}=${part}`),
  ].map((text) => new TextEncoder().encode(text));
  const long = strings.find(({ length }) => length > MAX_STRING_BYTES);
  if (long !== undefined) throw new Error("an id or a tag is too long for a TXT record");
  const total = strings.reduce((sum, { length }) => sum + 1 + length, 0);
  if (total > MAX_TEXT_BYTES) {
    throw new Error(
      `the announcement has ${total} bytes, and multicast DNS carries ${MAX_TEXT_BYTES}`,
    );
  }
  return strings;
}

/**
 * Reads the worker that a TXT record describes.
 *
 * @param address Where it is dialled.
 * @throws {Error} In one sentence, what is wrong.
 */
export function readText(strings: readonly Uint8Array[], address: string): DiscoveredWorker {
  const values = new Map<string, string>();
  for (const bytes of strings) {
    const text = new TextDecoder().decode(bytes);
    const equals = text.indexOf("=");
    const key = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    // The first of one key holds (RFC 6763 §6.4).
    if (!values.has(key)) values.set(key, equals < 0 ? "" : text.slice(equals + 1));
  }
  const tags = numbered(values, "tag");
  const signed = numbered(values, "signed").join("");
  const id = values.get("id");
  return announcedWorker({
    address,
    ...present({ id }),
    // One that another program has announced may have tags that it does not say.
    ...(tags.length > 0 || values.has("txtvers") ? { tags } : {}),
    ...(signed === "" ? {} : { signed }),
  });
}

function numbered(values: ReadonlyMap<string, string>, key: string): readonly string[] {
  const found: string[] = [];
  while (found.length <= MAX_PARTS) {
    const value = values.get(`${key}.${found.length}`);
    if (value === undefined) break;
    found.push(value);
  }
  return found;
}
