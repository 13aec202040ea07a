#!/usr/bin/env bash
# grpc-js and percent-encoded bytes of grpc-message.
#
# gRPC's protocol lets a server percent-encode any byte of grpc-message, and a client decodes every "%XX".
# @grpc/grpc-js 1.14.7 decodes it with decodeURI, which keeps the escapes of the characters that URIs reserve
# (; / ? : @ & = + $ , #): a message encoded the strict way, as encodeURIComponent does, reaches the user
# with "%2C", "%3A" and "%2F" in it, beside other bytes that are decoded. A server that wants every client
# to show its text escapes only what it must: bytes outside 0x20 to 0x7E, and "%".
#
# Installs npm's @grpc/grpc-js@1.14.7 in a temporary folder and calls a server of Node's own http2 that
# answers "no such alias: a/b, é" in both encodings. Output seen:
#   encodeURIComponent: no such alias%3A a%2Fb%2C é
#   what gRPC asks for: no such alias: a/b, é
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7 >/dev/null
cat >message.cjs <<'JS'
const http2 = require("node:http2");
const grpc = require("@grpc/grpc-js");

const text = "no such alias: a/b, é";
const required = Array.from(
  Buffer.from(text),
  (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x25
      ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
      : String.fromCharCode(byte),
).join("");
const encodings = { "/test.Test/Strict": encodeURIComponent(text), "/test.Test/Required": required };

const server = http2.createServer();
server.on("stream", (stream, headers) =>
  stream.respond({
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": "5",
    "grpc-message": encodings[headers[":path"]],
  }, { endStream: true }));
server.listen(0, "127.0.0.1", async () => {
  const client = new grpc.Client(`127.0.0.1:${server.address().port}`, grpc.credentials.createInsecure());
  const same = (bytes) => bytes;
  const messageOf = (path) =>
    new Promise((resolve) =>
      client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error) => resolve(error.details))
    );
  const strict = await messageOf("/test.Test/Strict");
  const plain = await messageOf("/test.Test/Required");
  console.log(`encodeURIComponent: ${strict}`);
  console.log(`what gRPC asks for: ${plain}`);
  client.close();
  server.close();
  process.exitCode = strict === "no such alias%3A a%2Fb%2C é" && plain === text ? 0 : 1;
});
JS
node message.cjs
