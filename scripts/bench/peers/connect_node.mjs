// Unary calls of @connectrpc/connect-node between two Node processes, mutual TLS, one connection. A driver as
// driver.ts is; peers.ts installs the package and starts it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { calls } from "./callers.mjs";

// Found beside the copy of this file that peers.ts makes.
const require = createRequire(import.meta.url);
const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { createClient } = require("@connectrpc/connect");
const { connectNodeAdapter, createConnectTransport } = require("@connectrpc/connect-node");

const folder = process.env.BENCH_FOLDER;
const read = (file) => readFileSync(`${folder}/${file}`);
const set = fromBinary(
  FileDescriptorSetSchema,
  Buffer.from(process.env.BENCH_DESCRIPTORS, "base64"),
);
const service = createFileRegistry(set).getService("selvage.test.v1.EchoService");

if (process.argv[2] === "server") serve();
else await drive();

function serve() {
  const adapter = connectNodeAdapter({
    routes: (router) => router.service(service, { echo: ({ text, data }) => ({ text, data }) }),
  });
  const server = createSecureServer({
    ca: read("ca.pem"),
    cert: read("worker.pem"),
    key: read("worker.key"),
    requestCert: true,
    rejectUnauthorized: true,
  }, adapter);
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

async function drive() {
  const server = spawn(process.execPath, [process.argv[1], "server"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(createInterface(server.stdout), "line");
  const client = createClient(
    service,
    createConnectTransport({
      baseUrl: `https://localhost:${port}`,
      httpVersion: "2",
      useBinaryFormat: true,
      nodeOptions: { ca: read("ca.pem"), cert: read("caller.pem"), key: read("caller.key") },
    }),
  );
  const text = "a".repeat(62);
  const echo = async () => {
    if ((await client.echo({ text })).text !== text) throw new Error("a wrong answer");
  };
  for await (const line of createInterface(process.stdin)) {
    const { scenario, durationMs } = JSON.parse(line);
    const [kind, callers] = scenario.split("-");
    const known = kind === "service" || kind === "service_plain";
    const value = known ? await calls(echo, callers, durationMs) : undefined;
    console.log(JSON.stringify({ value }));
  }
  server.kill();
  process.exit();
}
