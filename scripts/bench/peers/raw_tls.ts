/**
 * Bare `node:tls` of two Deno processes: an echo of 64 bytes, 64 KiB writes either way, handshakes with an echo each
 * and what an idle connection keeps, which is the most that anything on top of it can reach; and a Deno process that
 * does nothing. A driver as `driver.ts` is; `peers.ts` starts it.
 *
 * @module
 */
import { once } from "node:events";
import { connect, createSecureContext, createServer, type TLSSocket } from "node:tls";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { heldBytes } from "../held_bytes.ts";
import { processorUs } from "../processor_time.ts";
import { readLines } from "../../../src/pool/line_reader.ts";

const folder = Deno.env.get("BENCH_FOLDER")!;
const read = (file: string) => readFileSync(`${folder}/${file}`);
const BYTES = 65_536;
const [ECHO, DOWN, UP, HELD] = [0, 1, 2, 3];

const context = Deno.args[0] === "server" ? undefined : createSecureContext({
  ca: read("ca.pem"),
  cert: read("caller.pem"),
  key: read("caller.key"),
  minVersion: "TLSv1.3",
});

if (Deno.args[0] === "server") serve();
else await drive();

/** Does what the first byte of a connection asks for. */
function serve(): void {
  const server = createServer({
    ca: read("ca.pem"),
    cert: read("worker.pem"),
    key: read("worker.key"),
    requestCert: true,
    minVersion: "TLSv1.3",
  }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      if (bytes[0] === ECHO) {
        if (bytes.length > 1) socket.write(bytes.subarray(1));
        socket.on("data", (more) => socket.write(more));
      }
      if (bytes[0] === DOWN) void pour(socket, Infinity);
      if (bytes[0] === HELD) void heldBytes().then((held) => socket.write(String(held)));
      if (bytes[0] === UP) socket.on("data", () => {}).on("end", () => socket.end());
    });
  });
  server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
}

async function pour(socket: TLSSocket, until: number): Promise<number> {
  const chunk = new Uint8Array(BYTES);
  let count = 0;
  let go = () => {};
  socket.on("drain", () => go()).on("close", () => go());
  for (; performance.now() < until && !socket.destroyed; count++) {
    if (!socket.write(chunk)) await new Promise<void>((resolve) => go = resolve);
  }
  return count;
}

async function drive(): Promise<void> {
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--v8-flags=--expose-gc", import.meta.url, "server"],
    stdout: "piped",
  }).spawn();
  const { value: port } = await readLines(server.stdout)[Symbol.asyncIterator]().next();
  for await (const line of readLines(Deno.stdin.readable)) {
    const { scenario, durationMs } = JSON.parse(line);
    const before = await processorUs(Deno.pid, server.pid);
    const found = await measured(scenario, durationMs, Number(port));
    const cpuUs = found && (await processorUs(Deno.pid, server.pid) - before) / found.count;
    console.log(JSON.stringify({ value: found?.value, ...(found?.count && { cpuUs }) }));
  }
  server.kill();
  await server.status;
}

/** How much was done, and the figure. */
interface Done {
  readonly count: number;
  readonly value: number;
}

async function measured(
  scenario: string,
  durationMs: number,
  port: number,
): Promise<Done | undefined> {
  const [kind = "", size = "", streams = ""] = scenario.split("-");
  if (scenario === "calls-1" || scenario === "echo64b-1") {
    return await using(port, ECHO, (socket) => echoed(socket, durationMs));
  }
  if (kind === "connect") return await connected(port, Number(size), durationMs);
  if (kind === "memory_idle") return { count: 0, value: await residentOfNothing() };
  if (kind.startsWith("memory")) {
    return { count: 0, value: await heldByEach(port, kind === "memory_worker", Number(size)) };
  }
  // Many streams of one connection are one pattern here.
  if ((kind !== "down" && kind !== "up") || size !== "64k" || streams === "256") return undefined;
  if (kind === "down") return await using(port, DOWN, (socket) => received(socket, durationMs));
  return await using(port, UP, async (socket) => {
    const start = performance.now();
    const count = await pour(socket, start + durationMs);
    socket.on("data", () => {});
    socket.end();
    await once(socket, "end");
    return { count, value: count * BYTES / 1e3 / (performance.now() - start) };
  });
}

/** Handshakes and an echo of 64 bytes each, so many at a time. */
async function connected(port: number, atOnce: number, durationMs: number): Promise<Done> {
  const start = performance.now();
  let count = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (performance.now() < start + durationMs) {
      const socket = await dialled(port);
      socket.write(new Uint8Array(65).fill(ECHO));
      await once(socket, "data");
      socket.destroy();
      count++;
    }
  }));
  return { count, value: count / (performance.now() - start) * 1_000 };
}

/** Heap and external memory of an idle connection in KiB, at the server or here. */
async function heldByEach(port: number, atServer: boolean, count: number): Promise<number> {
  const asked = await dialled(port);
  const held = async () => {
    if (!atServer) return await heldBytes();
    const socket = await dialled(port);
    socket.write(new Uint8Array([HELD]));
    const [bytes] = await once(socket, "data");
    socket.destroy();
    return Number(bytes);
  };
  const few = await Promise.all(Array.from({ length: 64 }, () => dialled(port)));
  const before = await held();
  const many: TLSSocket[] = [];
  while (many.length < count) {
    many.push(...await Promise.all(Array.from({ length: 16 }, () => dialled(port))));
  }
  const after = await held();
  for (const socket of [asked, ...few, ...many]) socket.destroy();
  return (after - before) / many.length / 1024;
}

/** Resident memory in MiB of a Deno process that does nothing. */
async function residentOfNothing(): Promise<number> {
  const nothing = "console.log(0); setInterval(() => {}, 1e6);";
  const process = new Deno.Command(Deno.execPath(), { args: ["eval", nothing], stdout: "piped" })
    .spawn();
  await readLines(process.stdout)[Symbol.asyncIterator]().next();
  const status = await Deno.readTextFile(`/proc/${process.pid}/status`).catch(() => "");
  process.kill("SIGKILL");
  await process.status;
  await process.stdout.cancel().catch(() => {});
  return Number(/VmRSS:\s*(\d+) kB/.exec(status)?.[1] ?? NaN) / 1024;
}

async function dialled(port: number): Promise<TLSSocket> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    secureContext: context,
    servername: "localhost",
  });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

async function using(
  port: number,
  what: number,
  run: (socket: TLSSocket) => Promise<Done>,
): Promise<Done> {
  const socket = await dialled(port);
  socket.write(new Uint8Array([what]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  try {
    return await run(socket);
  } finally {
    socket.destroy();
  }
}

async function echoed(socket: TLSSocket, durationMs: number): Promise<Done> {
  const taken: number[] = [];
  const message = new Uint8Array(64);
  for (const end = performance.now() + durationMs; performance.now() < end;) {
    const start = performance.now();
    socket.write(message);
    await once(socket, "data");
    taken.push(performance.now() - start);
  }
  taken.sort((a, b) => a - b);
  return { count: taken.length, value: taken[taken.length >> 1]! };
}

async function received(socket: TLSSocket, durationMs: number): Promise<Done> {
  let bytes = 0;
  const start = performance.now();
  socket.on("data", (chunk) => bytes += chunk.length);
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  return { count: bytes / BYTES, value: bytes / 1e3 / (performance.now() - start) };
}
