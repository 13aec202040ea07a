import { escapePeerText, unusable } from "../errors/mod.ts";

/** Where a worker listens or is dialled. */
export type Address = TcpAddress | UnixAddress | MemoryAddress;

/** A TCP port on a host. */
export interface TcpAddress {
  /** Says that this is a TCP address. */
  readonly kind: "tcp";
  /** A host name or an IP literal, without brackets. */
  readonly host: string;
  /** The port; 0 where a listener may choose. */
  readonly port: number;
}

/** A unix socket. */
export interface UnixAddress {
  /** Says that this is a unix socket. */
  readonly kind: "unix";
  /** The path of the socket. */
  readonly path: string;
}

/** A listener within this process. */
export interface MemoryAddress {
  /** Says that this is a listener within this process. */
  readonly kind: "memory";
  /** The listener's name, unique in the process. */
  readonly name: string;
}

/** What a terminal may obey, or reorder a line by. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** What a unix socket's path may be long, including the closing NUL (Linux: 108 bytes). */
const UNIX_PATH_BYTES = 108;

/**
 * Reads `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`.
 *
 * @throws {ConfigurationError} If `text` has none of these forms.
 */
export function parseAddress(text: string, setting = "address"): Address {
  // Nobody's address has them; they are shown wherever a worker is, and discovery is a hint of anyone's.
  const address = UNSHOWN.test(text)
    ? undefined
    : text.startsWith("unix:")
    ? unixAddress(text.slice("unix:".length))
    : text.startsWith("memory:")
    ? memoryAddress(text.slice("memory:".length))
    : tcpAddress(text);
  if (address !== undefined) return address;
  throw unusable(setting, `"${escapePeerText(text)}" is not an address; ${adviceOn(text)}`);
}

function adviceOn(text: string): string {
  if (/^unix:[^\0]/.test(text) && socketPathBytes(text.slice("unix:".length)) >= UNIX_PATH_BYTES) {
    return `the path of a socket has at most ${UNIX_PATH_BYTES - 1} bytes`;
  }
  if (/^[^\s:]+:\d+$/.test(text)) return "a port is a number from 0 to 65535";
  return "write HOST:PORT, [IPv6]:PORT, unix:PATH or memory:NAME";
}

/** Writes an address the way {@linkcode parseAddress} reads it. */
export function formatAddress(address: Address): string {
  switch (address.kind) {
    case "tcp":
      return address.host.includes(":")
        ? `[${address.host}]:${address.port}`
        : `${address.host}:${address.port}`;
    case "unix":
      return `unix:${address.path}`;
    case "memory":
      return `memory:${address.name}`;
  }
}

/** Whether what is sent there never leaves this machine. */
export function isLocal(address: Address): boolean {
  if (address.kind !== "tcp") return true;
  const host = address.host.toLowerCase();
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host) ||
    /^::ffff:127(\.\d{1,3}){3}$/.test(host);
}

function unixAddress(path: string): UnixAddress | undefined {
  if (path === "") return undefined;
  if (socketPathBytes(path) >= UNIX_PATH_BYTES) return undefined;
  return { kind: "unix", path };
}

function socketPathBytes(path: string): number {
  return new TextEncoder().encode(path).length;
}

function memoryAddress(name: string): MemoryAddress | undefined {
  return /^[\w.~-]{1,128}$/.test(name) ? { kind: "memory", name } : undefined;
}

function tcpAddress(text: string): TcpAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([^\s[\]:/@?#%]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) return undefined;
  if (match?.[1] !== undefined && !host.includes(":")) return undefined;
  return { kind: "tcp", host, port };
}
