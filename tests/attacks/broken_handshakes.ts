/**
 * Breaks handshakes off in one way, many times, and prints what each left in memory, in bytes of heap.
 * The way is the first argument.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { PeerListener } from "../../src/peer/mod.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";
import { CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../support/peers.ts";

const TIMES = 120;
/** The beginning of a ClientHello of 200 bytes. */
const HELLO = new Uint8Array([0x16, 3, 1, 0, 200, 1, 0]);

const authorities = makeAuthorities();
const trusts = [authorities.root];
const worker = { certificate: certificateShapes(authorities, WORKER_ID).fine(), trusts };
const client = { certificate: certificateShapes(authorities, CLIENT_ID).fine(), trusts };

/** The worker does not trust its authority. */
const stranger = {
  certificate: certificateShapes(authorities, CLIENT_ID)["foreign-authority"](),
  trusts,
};
/** It does not trust the worker's authority. */
const misled = { ...client, trusts: [authorities.foreign] };

/** How a handshake is broken off; each leaves nobody behind. */
const ways: Readonly<Record<string, () => Promise<void>>> = {
  "client-ends": () => once((socket) => socket.end(HELLO)),
  "client-resets": () => once((socket) => socket.write(HELLO, () => socket.resetAndDestroy())),
  "client-garbles": () =>
    once((socket) => socket.write(HELLO.map((byte, at) => at < 5 ? byte : 0xff))),
  "client-falls-silent": () => once((socket) => socket.write(HELLO)),
  "client-speaks-plaintext": () => once((socket) => socket.write("GET / HTTP/1.1\r\n\r\n")),
  "client-is-refused": () => dialAs(stranger, listener.address).then(() => {}, () => {}),
  "worker-is-refused": () => dialAs(misled, listener.address).then(() => {}, () => {}),
  "worker-ends": () => dialOnce((socket) => socket.end()),
  "worker-resets": () => dialOnce((socket) => socket.resetAndDestroy()),
  "worker-garbles": () => dialOnce((socket) => socket.end(new Uint8Array(64).fill(0x15))),
};

await using listener = await listenAs(worker, { handshakeTimeoutMs: 20 });
const breakOff = ways[Deno.args[0] ?? ""];
if (breakOff === undefined) throw new Error(`the ways are ${Object.keys(ways).join(", ")}`);
await repeat(breakOff); // what is kept once and for all is there after these
const before = await heapBytes();
await repeat(breakOff);
console.log(Math.round((await heapBytes() - before) / TIMES));
Deno.exit(0);

async function repeat(breakOff: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < TIMES; turn += 10) {
    await Promise.all(Array.from({ length: 10 }, breakOff));
  }
}

/** Connects to the worker, sends something, and waits until the connection is closed. */
function once(send: (socket: Socket) => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(portOf(listener), "127.0.0.1", () => send(socket));
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.resume();
  });
}

/** Dials a peer that treats the connection like this. */
async function dialOnce(treat: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", () => treat(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await dialAs(client, { kind: "tcp", host: "127.0.0.1", port: boundPort(server) }).catch(() => {});
  await new Promise((resolve) => server.close(resolve));
}

function portOf({ address }: PeerListener): number {
  return address.kind === "tcp" ? address.port : 0;
}

function boundPort(server: Server): number {
  const bound = server.address();
  return bound === null || typeof bound === "string" ? 0 : bound.port;
}

async function heapBytes(): Promise<number> {
  // What the last connections left to be done is done by then.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  (globalThis as unknown as { gc(): void }).gc();
  return Deno.memoryUsage().heapUsed;
}
