import { parseAddress } from "../channel/mod.ts";
import type { Announcement } from "./announcement.ts";
import type { DiscoveredWorker } from "./discovery.ts";
import { present } from "../values/mod.ts";

/** Longer than this is no announcement, in characters: 48 KiB of signature, and 64 tags. */
const MAX_TEXT = 96 * 1024;
const MAX_TAGS = 64;
const MAX_TAG_LENGTH = 256;
const MAX_ID_LENGTH = 256;

/** Writes an announcement as one line of JSON, for registries that keep text. */
export function announcementText({ id, address, tls, tags, signed }: Announcement): string {
  return JSON.stringify({ id, address, tls, tags, ...present({ signed }) });
}

/**
 * Reads what {@linkcode announcementText} wrote, or a person. Members that it does not know are left alone.
 *
 * @throws {Error} In one sentence, what is wrong.
 */
export function readAnnouncement(text: string): DiscoveredWorker {
  if (text.length > MAX_TEXT) throw new Error(`it is longer than ${MAX_TEXT} characters`);
  return announcedWorker(JSON.parse(text));
}

/**
 * Reads a parsed announcement; only `address` is required.
 *
 * @throws {Error} In one sentence, what is wrong.
 */
export function announcedWorker(value: unknown): DiscoveredWorker {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("it is not a JSON object");
  }
  const { address, id, tags, signed } = value as Readonly<Record<string, unknown>>;
  if (typeof address !== "string") throw new Error("it has no address");
  parseAddress(address, "address");
  if (id !== undefined && !isText(id, MAX_ID_LENGTH)) throw new Error("its id is not a short text");
  if (signed !== undefined && typeof signed !== "string") {
    throw new Error("its signed is not a text");
  }
  const listed = tags ?? [];
  if (
    !Array.isArray(listed) || listed.length > MAX_TAGS ||
    !listed.every((tag) => isText(tag, MAX_TAG_LENGTH))
  ) {
    throw new Error(`its tags are not a list of at most ${MAX_TAGS} short texts`);
  }
  return { address, ...present({ id, tags: tags === undefined ? undefined : listed, signed }) };
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === "string" && value.length <= longest;
}
