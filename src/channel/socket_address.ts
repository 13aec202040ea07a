import type { Socket } from "node:net";
import { type Address, formatAddress } from "./address.ts";

/** The other end of a connected socket, as addresses are written; `dialled` stands in where it has no address. */
export function remoteAddressOf(socket: Socket, dialled: Address): string {
  return shown(dialled, socket.remoteAddress, socket.remotePort);
}

function shown(dialled: Address, host: string | undefined, port = 0): string {
  const isKnown = dialled.kind === "tcp" && host !== undefined;
  return formatAddress(isKnown ? { kind: "tcp", host: unmapped(host), port } : dialled);
}

/** An IPv4 peer of a dual-stack listener is shown as the IPv4 address it is (RFC 4291 §2.5.5.2). */
export function unmapped(host: string): string {
  return /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(host)?.[1] ?? host;
}
