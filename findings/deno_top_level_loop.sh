#!/usr/bin/env bash
# A loop at the top level of a module has V8 compile all of the module's top level to machine code, and keep it.
#
# Deno 2.9.6: a module's top level is one function, and a loop of some thousand turns in it is enough for V8 to compile
# that whole function to baseline code, objects and classes that are made once included. A bundler makes one top level
# of all modules, so that one such loop in one package (a table of `tldts`, which nothing of the program asked) cost a
# bundle of ours 667 KiB of machine code for as long as it ran. The same loop within a function costs nothing.
#
# Installs npm's deno@2.9.6 in a temporary folder, and runs a module of 3,000 constants with the loop at its top level,
# and within a function. Output seen on Linux: 397 and 11 KiB of code. Exits 0 while the first is five times the
# second, 1 once that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
deno=$(echo "$folder"/node_modules/@deno/*/deno)
export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 DENO_DIR="$folder/cache"
constants() {
  for n in $(seq 3000); do echo "const o$n = { a: [$n, $n], b: { c: $n }, f: (x) => x + $n };"; done
  echo 'let sum = 0;'
}
code() {
  cat <<'JS'
await new Promise((resolve) => setTimeout(resolve, 200));
const { getHeapSpaceStatistics } = await import("node:v8");
const code = getHeapSpaceStatistics().filter(({ space_name }) => space_name.startsWith("code_"));
console.log(Math.round(code.reduce((sum, { space_used_size }) => sum + space_used_size, 0) / 1024));
JS
}
loop='for (let n = 0; n < 20_000; n++) sum += n;'
{ constants && echo "$loop" && code; } >top.mjs
{ constants && echo "(() => { $loop })();" && code; } >within.mjs
top=$("$deno" run top.mjs)
within=$("$deno" run within.mjs)
echo "KiB of machine code: $top with the loop at the top level, $within with it in a function"
((top >= within * 5))
