// Calls and streams of @grpc/grpc-js between two Node processes, mutual TLS, one connection, messages as
// bytes that nobody encodes. A driver as driver.ts is; peers.ts installs the package and starts it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { bytesOf, calls, connects } from "./callers.mjs";

// Found beside the copy of this file that peers.ts makes.
const grpc = createRequire(import.meta.url)("@grpc/grpc-js");

const folder = process.env.BENCH_FOLDER;
const read = (file) => readFileSync(`${folder}/${file}`);
const bytes = (value) => value;
const method = (path, requestStream, responseStream) => ({
  path: `/bench.Bench/${path}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
const service = {
  call: method("Call", false, false),
  down: method("Down", false, true),
  up: method("Up", true, false),
  echo: method("Echo", true, true),
};
const options = { "grpc.max_receive_message_length": -1 };

if (process.argv[2] === "server") serve();
else await drive();

function serve() {
  const server = new grpc.Server(options);
  server.addService(service, {
    call: (call, answer) => answer(null, call.request),
    down: async (call) => {
      const item = Buffer.alloc(call.request.readUInt32BE(0));
      while (!call.cancelled) if (!call.write(item)) await drained(call);
    },
    up: (call, answer) => {
      let count = 0;
      call.on("data", () => count++);
      call.on("end", () => answer(null, Buffer.from(String(count))));
    },
    echo: (call) => {
      call.on("data", (item) => call.write(item));
      call.on("end", () => call.end());
    },
  });
  const credentials = grpc.ServerCredentials.createSsl(read("ca.pem"), [
    { private_key: read("worker.key"), cert_chain: read("worker.pem") },
  ], true);
  server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
    if (error) throw error;
    console.log(port);
  });
}

function drained(call) {
  return new Promise((resolve) => {
    const over = () => {
      call.off("drain", over).off("cancelled", over).off("close", over);
      resolve();
    };
    call.on("drain", over).on("cancelled", over).on("close", over);
  });
}

async function drive() {
  const server = spawn(process.execPath, [process.argv[1], "server"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(createInterface(server.stdout), "line");
  const credentials = grpc.credentials.createSsl(
    read("ca.pem"),
    read("caller.key"),
    read("caller.pem"),
  );
  const Client = grpc.makeGenericClientConstructor(service, "bench.Bench");
  // A channel of its own each: channels of one address would share a connection.
  const connect = () =>
    new Client(`localhost:${port}`, credentials, {
      ...options,
      "grpc.use_local_subchannel_pool": 1,
    });
  const client = connect();
  for await (const line of createInterface(process.stdin)) {
    const { scenario, durationMs } = JSON.parse(line);
    console.log(JSON.stringify({ value: await measured(client, scenario, durationMs, connect) }));
  }
  client.close();
  server.kill();
}

async function measured(client, scenario, durationMs, connect) {
  const [kind, size, streams] = scenario.split("-");
  const start = performance.now();
  const end = start + durationMs;
  const call = (by, message) =>
    new Promise((resolve, reject) =>
      by.call(message, (error, answer) => error ? reject(error) : resolve(answer))
    );
  if (kind === "calls") return await calls(() => call(client, Buffer.alloc(16)), size, durationMs);
  if (kind === "echo64b") {
    return await calls(() => call(client, Buffer.alloc(64)), size, durationMs);
  }
  if (kind === "duplex") return await roundTrips(client, end);
  if (kind === "connect") {
    return await connects(size, durationMs, async () => {
      const one = connect();
      await call(one, Buffer.alloc(16));
      one.close();
    });
  }
  if (kind !== "down" && kind !== "up") return undefined;
  const one = kind === "down" ? down : up;
  const length = bytesOf(size);
  const counts = await Promise.all(
    Array.from({ length: Number(streams) }, () => one(client, length, end)),
  );
  const count = counts.reduce((sum, each) => sum + each, 0);
  const perSecond = count / (performance.now() - start) * 1e3;
  return length < 1000 ? perSecond : perSecond * length / 1e6;
}

async function down(client, length, end) {
  const request = Buffer.alloc(4);
  request.writeUInt32BE(length);
  const call = client.down(request);
  let count = 0;
  try {
    for await (const _ of call) {
      if (((++count & 31) === 0 || length > 32768) && performance.now() > end) call.cancel();
    }
  } catch (error) {
    if (error.code !== grpc.status.CANCELLED) throw error;
  }
  return count;
}

async function up(client, length, end) {
  const item = Buffer.alloc(length);
  let count = 0;
  const { promise, resolve, reject } = withResolvers();
  const call = client.up((error) => error ? reject(error) : resolve());
  while (((++count & 31) !== 0 && length <= 32768) || performance.now() < end) {
    if (!call.write(item)) await drained(call);
  }
  call.end();
  await promise;
  return count - 1;
}

async function roundTrips(client, end) {
  const call = client.echo();
  const item = Buffer.alloc(32);
  const taken = [];
  while (performance.now() < end) {
    const start = performance.now();
    call.write(item);
    await once(call, "data");
    taken.push(performance.now() - start);
  }
  call.end();
  call.resume();
  await once(call, "end");
  return taken.sort((a, b) => a - b)[taken.length >> 1];
}

function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
