#!/usr/bin/env bash
# Web Workers of Deno that compute while they are terminated.
#
# HTML (10.2.4, "terminate a worker") has the script of a terminated worker aborted, and Node 20 and later stop a
# thread of node:worker_threads in the middle of a loop. In Deno 2.9.6 a worker that is in a loop when
# `Worker.terminate()` is called goes on with it at a full core until the process ends. Seen: 3.0 s of processor
# time in the 3 seconds that began 10 seconds after `terminate()`, in deno run and deno test. denoland/deno pull
# request 35657 (open) has another report of it.
#
# Installs npm's deno@2.9.6 in a temporary folder. Exits 0 while the loop goes on in Deno and ends in Node, 1 once
# that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
cat >loop.mjs <<'JS'
import process from "node:process";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const WAIT_MS = 10_000, MEASURE_MS = 3_000;
await (typeof Deno === "undefined" ? inNode() : inDeno());
await pause(WAIT_MS);
const before = process.cpuUsage();
await pause(MEASURE_MS);
const { user, system } = process.cpuUsage(before);
// On a busy machine a loop gets a part of a core.
console.log((user + system) / 1000 > MEASURE_MS / 10 ? "goes on" : "ended");
process.exit(0);

async function inDeno() {
  const code = "postMessage('begun'); for (;;);";
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.terminate();
}

async function inNode() {
  const { Worker } = await import("node:worker_threads");
  const code = "require('node:worker_threads').parentPort.postMessage('begun'); for (;;);";
  const worker = new Worker(code, { eval: true });
  await new Promise((resolve) => worker.on("message", resolve));
  void worker.terminate();
}
JS
deno=$(npx deno run -A --quiet loop.mjs)
node=$(node loop.mjs)
echo "the loop: in Deno it $deno, in Node it $node"
[ "$deno" = "goes on" ] && [ "$node" = ended ]
