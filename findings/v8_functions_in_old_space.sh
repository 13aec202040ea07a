#!/usr/bin/env bash
# A function that is written where it is assigned to a property survives every collection of young objects, and so does
# all that it refers to.
#
# Deno 2.9.6 (V8 as it ships): `object.property = () => …` puts the function among the old objects at once, also where
# the property is private or an element, and with `??=`, `async` and parentheses around it. What the function closes
# over then survives as what an old object refers to, though object and function are garbage by the next line, until the
# whole heap is collected. So do a getter of an object literal, a class that is an expression, and a closure that
# disposes, where it is `Symbol.dispose` in an `await using` or of an `AsyncDisposableStack`. A function that is named
# first and then assigned, one in an object literal, one that is a class field's or an argument, and a method that
# disposes do not. Deno's own TLS sockets assign such functions for each connection, so that the sockets survive with
# what a program has hung on them: 36 KiB of each connection in a program of ours.
#
# Installs npm's deno@2.9.6 in a temporary folder. Makes each kind 500 times around 16 KiB, keeps none of them, collects
# the young objects and prints how many MiB are left. Output seen on Linux: 8 for each of the first group, 0 for the
# second. Exits 0 while that is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
deno=$(echo "$folder"/node_modules/@deno/*/deno)
export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 DENO_DIR="$folder/cache"
cat >kinds.mjs <<'JS'
const assigned = {
  property: (held) => { const owner = {}; owner.call = () => held; },
  private: (held) => new Private(held),
  element: (held) => { const owner = []; owner[0] = () => held; },
  "??=": (held) => { const owner = {}; owner.call ??= () => held; },
  async: (held) => { const owner = {}; owner.call = async () => held; },
  getter: (held) => ({ get call() { return held; } }),
  "class expression": (held) => class { call() { return held; } },
  "await using": async (held) => { await using _ = { [Symbol.dispose]: () => held }; },
  stack: async (held) => {
    const stack = new AsyncDisposableStack();
    stack.use({ [Symbol.dispose]: () => held });
    await stack.disposeAsync();
  },
};
const others = {
  "named first": (held) => { const owner = {}; const call = () => held; owner.call = call; },
  literal: (held) => ({ call: () => held }),
  method: (held) => ({ call() { return held; } }),
  field: (held) => new Field(held),
  argument: (held) => [].push(() => held),
  using: (held) => { using _ = { [Symbol.dispose]: () => held }; },
  "stack, method": async (held) => {
    const stack = new AsyncDisposableStack();
    stack.use(new Disposed(held));
    await stack.disposeAsync();
  },
};
class Private { #call; constructor(held) { this.#call = () => held; } }
class Field { held; call = () => this.held; constructor(held) { this.held = held; } }
class Disposed { constructor(held) { this.held = held; } [Symbol.dispose]() { this.held.used = true; } }
async function left(make) {
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 500; n++) {
    await make({ kept: new Array(2_000).fill(n) });
    if (n % 50 === 0) gc({ type: "minor" });
  }
  for (let n = 0; n < 2; n++) gc({ type: "minor" });
  return Math.round((process.memoryUsage().heapUsed - before) / 2 ** 20);
}
// V8 makes objects old at once where those of their kind have survived: each in a process of its own.
const [name] = process.argv.slice(2);
if (name === undefined) console.log([...Object.keys(assigned), ...Object.keys(others)].join("\n"));
else {
  const mib = await left(assigned[name] ?? others[name]);
  console.log(`${name}: ${mib} MiB`);
  process.exit(mib > 4 === name in assigned ? 0 : 1);
}
JS
kinds() {
  "$deno" run -A --v8-flags=--expose-gc kinds.mjs "$@"
}
changed=0
while read -r name; do
  kinds "$name" || changed=1
done < <(kinds)
exit "$changed"
