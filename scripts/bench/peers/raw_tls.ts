/**
 * Bare `node:tls` of two Deno processes: an echo of 64 bytes and 64 KiB writes either way, which is the
 * most that anything on top of it can reach. A driver as `driver.ts` is; `peers.ts` starts it.
 *
 * @module
 */
import { once } from "node:events";
import { connect, createServer, type TLSSocket } from "node:tls";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { processorUs } from "../processor_time.ts";
import { readLines } from "../../../src/pool/line_reader.ts";

const folder = Deno.env.get("BENCH_FOLDER")!;
const read = (file: string) => readFileSync(`${folder}/${file}`);
const BYTES = 65_536;
const [ECHO, DOWN, UP] = [0, 1, 2];

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
      if (bytes[0] === ECHO) socket.on("data", (more) => socket.write(more));
      else if (bytes[0] === DOWN) void pour(socket, Infinity);
      else socket.on("data", () => {});
      if (bytes[0] === UP) socket.on("end", () => socket.end());
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
    args: ["run", "-A", import.meta.url, "server"],
    stdout: "piped",
  }).spawn();
  const { value: port } = await readLines(server.stdout)[Symbol.asyncIterator]().next();
  for await (const line of readLines(Deno.stdin.readable)) {
    const { scenario, durationMs } = JSON.parse(line);
    const before = await processorUs(Deno.pid, server.pid);
    const found = await measured(scenario, durationMs, Number(port));
    const cpuUs = found && (await processorUs(Deno.pid, server.pid) - before) / found.count;
    console.log(JSON.stringify({ value: found?.value, cpuUs }));
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
  if (scenario === "calls-1") {
    return await using(port, ECHO, (socket) => echoed(socket, durationMs));
  }
  if (scenario.startsWith("down-64k")) {
    return await using(port, DOWN, (socket) => received(socket, durationMs));
  }
  if (!scenario.startsWith("up-64k")) return undefined;
  return await using(port, UP, async (socket) => {
    const start = performance.now();
    const count = await pour(socket, start + durationMs);
    socket.on("data", () => {});
    socket.end();
    await once(socket, "end");
    return { count, value: count * BYTES / 1e3 / (performance.now() - start) };
  });
}

async function using(
  port: number,
  what: number,
  run: (socket: TLSSocket) => Promise<Done>,
): Promise<Done> {
  const socket = connect({
    host: "127.0.0.1",
    port,
    ca: read("ca.pem"),
    cert: read("caller.pem"),
    key: read("caller.key"),
    servername: "localhost",
  });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
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
