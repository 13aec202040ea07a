import type { Socket } from "node:net";
import { type Address, formatAddress } from "./address.ts";

/** The other end of a connected socket, as addresses are written; `dialled` stands in where it has no address. */
export function remoteAddressOf(socket: Socket, dialled: Address): string {
  return dialled.kind === "tcp" && socket.remoteAddress !== undefined
    ? formatAddress({
      kind: "tcp",
      host: unmapped(socket.remoteAddress),
      port: socket.remotePort ?? 0,
    })
    : formatAddress(dialled);
}

/** Our own end of a connected socket. */
export function localAddressOf(socket: Socket, dialled: Address): string {
  return dialled.kind === "tcp" && socket.localAddress !== undefined
    ? formatAddress({
      kind: "tcp",
      host: unmapped(socket.localAddress),
      port: socket.localPort ?? 0,
    })
    : formatAddress(dialled);
}

/** An IPv4 peer of a dual-stack listener is shown as the IPv4 address it is (RFC 4291 §2.5.5.2). */
export function unmapped(host: string): string {
  return /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(host)?.[1] ?? host;
}
