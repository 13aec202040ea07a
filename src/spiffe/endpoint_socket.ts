import { resolve } from "node:path";
import { parseAddress, type UnixAddress } from "../channel/mod.ts";
import { unusable } from "../errors/mod.ts";
import { environmentVariable } from "../platform/mod.ts";

/** Where a workload is to ask (SPIFFE Workload Endpoint §4). */
const ENDPOINT_VARIABLE = "SPIFFE_ENDPOINT_SOCKET";

/**
 * Reads a path or a `unix:` URI. Endpoints on TCP are rejected: a process that could stand in for one would
 * decide who we are and whom we trust.
 *
 * @throws {ConfigurationError} where the text is neither.
 */
export function endpointSocket(text: string, setting: string): UnixAddress {
  const path = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) ? pathOfUri(text) : text;
  if (path === undefined || path.trim() === "") {
    throw unusable(
      setting,
      `${JSON.stringify(text)} is not a unix socket; write its path, or unix:///PATH`,
    );
  }
  const address = parseAddress(`unix:${resolve(path)}`, setting);
  if (address.kind !== "unix") throw new TypeError("an address of another kind was parsed");
  return address;
}

/**
 * The socket that the environment names.
 *
 * @throws {ConfigurationError} where it names none.
 */
export function endpointOfEnv(): UnixAddress {
  const text = environmentVariable(ENDPOINT_VARIABLE);
  if (text !== undefined) return endpointSocket(text, ENDPOINT_VARIABLE);
  throw unusable(
    "socket",
    `no socket of a SPIFFE Workload API is given, and ${ENDPOINT_VARIABLE} is not set`,
  );
}

/** The scheme and an absolute path, and nothing else (SPIFFE Workload Endpoint §4). */
function pathOfUri(text: string): string | undefined {
  const path = /^unix:(?:\/\/)?(\/[^/?#][^?#]*)$/i.exec(text)?.[1];
  try {
    return path && decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
