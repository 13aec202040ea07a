#!/usr/bin/env bash
# Debian's certtool and the EC private keys that Deno reads.
#
# certtool 3.7.9 (gnutls-bin 3.7.9-2+deb12u7) writes the scalar of an EC private key (RFC 5915, "EC PRIVATE
# KEY") as the bytes of an INTEGER: about every second P-256 key has 33 octets with a zero in front, where
# RFC 5915 §3 asks for ceil(log2(n)/8) = 32. OpenSSL 3.0 and Node 20 read such a key; node:crypto of
# Deno 2.9.6 does not ("invalid SEC1 private key"). So it is with 49 octets on P-384, and with the PKCS #8 that
# `certtool --to-p8` makes of such a key. Seen: 3 of 8 keys in one run; 11 of 24 on P-256 and 15 of 24 on P-384.
#
# Installs Debian's gnutls-bin where it is missing (as root) and npm's deno@2.9.6 in a temporary folder,
# makes up to 40 keys and reads each with both. Exits 0 while there is a key of 33 octets that Node reads
# and Deno does not, 1 once that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v certtool >/dev/null || apt-get install -y --no-install-recommends gnutls-bin >/dev/null
npm init -y >/dev/null && npm install --silent --no-audit --no-fund deno@2.9.6 >/dev/null
cat >read.mjs <<'JS'
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
try {
  createPrivateKey(readFileSync(process.argv[2], "utf8"));
  console.log("read");
} catch (error) {
  console.log(`refused: ${error.message}`);
}
JS
for number in $(seq 40); do
  certtool --generate-privkey --key-type ecdsa --curve secp256r1 --no-text --outfile "$number.pem" 2>/dev/null
  octets=$(openssl asn1parse -in "$number.pem" | sed -n 's/.*l= *\([0-9]*\) prim: OCTET STRING.*/\1/p' | head -n 1)
  [ "$octets" = 33 ] || continue
  node=$(node read.mjs "$number.pem")
  deno=$(npx deno run -A --quiet read.mjs "$number.pem")
  echo "key $number: $octets octets; Node: $node; Deno: $deno"
  [ "$node" = read ] && [ "$deno" != read ] && exit 0
  exit 1
done
echo "no key of 33 octets in 40"
exit 1
