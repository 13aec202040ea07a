#!/usr/bin/env bash
# Deno reads no socket for sixty turns of its event loop while callbacks of setImmediate follow each other.
#
# Deno 2.9.6: a program that calls setImmediate again in each callback, as one does that splits long work, gets what
# arrives on its sockets after 60 callbacks at the earliest, whatever each takes: 18 ms for callbacks of 0.3 ms.
# Node 20 polls between two of them, and gets it after one or two.
#
# Installs npm's deno@2.9.6 in a temporary folder and runs the same program on Node and on Deno: a TCP echo within
# reach, callbacks of 0.3 ms. Exits 0 while Deno takes 30 callbacks and more where Node takes fewer, else 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
cat >echo.mjs <<'JS'
import net from "node:net";
const server = net.createServer((socket) => socket.setNoDelay(true).pipe(socket));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JS
cat >turns.mjs <<'JS'
import net from "node:net";
import { setImmediate } from "node:timers";
const socket = net.connect(Number(process.argv[2]), "127.0.0.1").setNoDelay(true);
await new Promise((resolve) => socket.once("connect", resolve));
const counts = [];
for (let round = 0; round < 5; round++) {
  let answered = false;
  let turns = 0;
  socket.once("data", () => answered = true);
  socket.write("x");
  await new Promise((resolve) => {
    setImmediate(function turn() {
      if (answered) return resolve();
      turns++;
      for (const end = performance.now() + 0.3; performance.now() < end;);
      setImmediate(turn);
    });
  });
  counts.push(turns);
}
console.log(counts.sort((a, b) => a - b)[2]);
process.exit();
JS
node echo.mjs >port &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
until [ -s port ]; do sleep 0.1; done
node=$(node turns.mjs "$(cat port)")
deno=$(npx deno run -A --quiet turns.mjs "$(cat port)")
echo "callbacks until an echo arrives, the median of five: Node $node, Deno $deno"
[ "$deno" -ge 30 ] && [ "$node" -lt 30 ]
