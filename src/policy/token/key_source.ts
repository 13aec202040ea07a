import { unusable } from "../../errors/mod.ts";
import { readTextFile } from "../../platform/mod.ts";
import { fetchJson, type FetchJsonOptions } from "./fetch_json.ts";

/** Where a key set is read from. */
export interface KeySource {
  /** What errors call it. */
  readonly name: string;
  /** Reads the set as it is now. */
  read(): Promise<unknown>;
}

/** The largest key set that is read, in bytes. */
export const MAX_KEY_SET_BYTES = 256 * 1024;

/**
 * Fetches the set from one place, over TLS that verifies.
 *
 * @throws {ConfigurationError} Where the URL is not https.
 */
export function remoteKeys(url: URL, options: Omit<FetchJsonOptions, "maxBytes">): KeySource {
  if (url.protocol !== "https:") {
    throw unusable("jwks", `jwks: ${url.href} is not an https URL`);
  }
  if (url.username !== "" || url.password !== "") {
    throw unusable("jwks", "jwks: a URL with a user name or password is not accepted");
  }
  return {
    name: `${url.origin}${url.pathname}`,
    read: () => fetchJson(url, { ...options, maxBytes: MAX_KEY_SET_BYTES }),
  };
}

/** Reads the set from a file. */
export function fileKeys(path: string): KeySource {
  return {
    name: path,
    read: async () => JSON.parse(await readTextFile(path, MAX_KEY_SET_BYTES)),
  };
}
