#!/usr/bin/env bash
# A cache that `deno clean --except FILE` leaves, and `deno run --cached-only FILE`.
#
# Deno 2.9.6 fetches every npm package that deno.json names and deno.lock holds before it runs a module, whether
# or not the module reaches it. `deno clean --except main.ts`, which by its help retains the "cache data needed
# by the given files", removes the packages that main.ts does not import; `deno run --cached-only main.ts` then
# fails for one of these: "npm package not found in cache: "yaml", --cached-only is specified". Seen: both, each
# time. An image is made small by a deno.json and a lock file of its own instead (deploy/container).
#
# Installs npm's deno@2.9.6 in a temporary folder, and a project with two packages, one of them imported. Exits 0
# while the file runs from the whole cache and not from the one that is left, 1 once that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir tool project
(cd tool && npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null)
cd project
export DENO_DIR="$folder/cache" DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
deno() { "$folder/tool/node_modules/.bin/deno" "$@"; }
cat >deno.json <<'JSON'
{ "imports": { "jsonc-parser": "npm:jsonc-parser@3.3.1", "yaml": "npm:yaml@2.9.1" } }
JSON
echo 'import { parse } from "jsonc-parser"; console.log(parse("[1] // one"));' >main.ts
deno install --quiet
whole=$(deno run --cached-only main.ts 2>&1)
deno clean --except main.ts 2>/dev/null
left=$(deno run --cached-only main.ts 2>&1 || true)
echo "whole cache: $whole"
echo "what clean --except leaves: $left"
[[ $whole == "[ 1 ]" && $left == *"npm package not found in cache"* ]]
