#!/usr/bin/env bash
# Deno's node:crypto and signatures of P-521 over SHA-256.
#
# `openssl x509 -req`, `openssl req -x509` and `openssl dgst -sign` sign over SHA-256 unless they are told
# otherwise, also with a key on P-521. In deno 2.9.6 `verify("sha256", …)` of node:crypto is false for such a
# signature, with no error, and `sign("sha256", …)` with such a key throws ("failed to sign digest"); over
# SHA-384 and SHA-512 both work. Web Cryptography of the same Deno, and node:crypto of Node 20, take the
# signature. So an authority that was made with openssl's defaults looks like a forger of all its certificates.
#
# Needs openssl and Node. Installs npm's deno@2.9.6 in a temporary folder, signs one message over each digest
# and has all three read it. Exits 0 while node:crypto of Deno alone fails SHA-256, 1 once that has changed.
# Output seen:
#   sha256: Node true, Deno's node:crypto false, Deno's Web Cryptography true
#   sha384: Node true, Deno's node:crypto true, Deno's Web Cryptography true
#   sha512: Node true, Deno's node:crypto true, Deno's Web Cryptography true
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
openssl ecparam -name secp521r1 -genkey -noout -out key.pem
openssl ec -in key.pem -pubout -out public.pem 2>/dev/null
echo message >message
cat >verify.mjs <<'JS'
import { createPublicKey, verify, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
const [digest, way] = process.argv.slice(2);
const message = readFileSync("message");
const signature = readFileSync(`signature.${digest}`);
const key = createPublicKey(readFileSync("public.pem"));
if (way === "node") {
  console.log(verify(digest, message, key, signature));
} else {
  const raw = new Uint8Array(132);
  // SEQUENCE { INTEGER r, INTEGER s }, its length in two octets.
  for (let at = 3, number = 1; number <= 2; number++) {
    let digits = signature.subarray(at + 2, at + 2 + signature[at + 1]);
    at += 2 + digits.length;
    while (digits[0] === 0) digits = digits.subarray(1);
    raw.set(digits, 66 * number - digits.length);
  }
  const spki = key.export({ type: "spki", format: "der" });
  const algorithm = { name: "ECDSA", namedCurve: "P-521" };
  const imported = await webcrypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
  const hash = digest.replace("sha", "SHA-");
  console.log(await webcrypto.subtle.verify({ name: "ECDSA", hash }, imported, raw, message));
}
JS
seen=""
for digest in sha256 sha384 sha512; do
  openssl dgst "-$digest" -sign key.pem -out "signature.$digest" message
  node=$(node verify.mjs "$digest" node)
  deno=$(npx deno run -A --quiet verify.mjs "$digest" node)
  web=$(npx deno run -A --quiet verify.mjs "$digest" web)
  echo "$digest: Node $node, Deno's node:crypto $deno, Deno's Web Cryptography $web"
  seen+="$node $deno $web;"
done
[ "$seen" = "true false true;true true true;true true true;" ]
