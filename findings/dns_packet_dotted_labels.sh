#!/usr/bin/env bash
# dns-packet and DNS-SD instance names with a dot in them.
#
# The instance name of a DNS-SD service is one label of any text, dots included (RFC 6763 §4.1.1 and §4.3:
# a dot in it is not a separator). dns-packet 5.6.1, on which multicast-dns and bonjour-service stand, reads
# a name into text and joins its labels with dots, unescaped: the label "Lab 2.1" and the labels "Lab 2" and
# "1" are the same to it. Written again, the name has one label more, and the owner of the record does not
# recognise the question. Who browses with it can use only what came in the same packet as the PTR record.
#
# Installs npm's dns-packet@5.6.1 in a temporary folder, decodes a PTR answer and encodes a question for the
# SRV record of the instance in it. Output seen:
#   read: "Lab 2.1._http._tcp.local"
#   labels on the wire: Lab 2.1|_http|_tcp|local
#   labels in the question: Lab 2|1|_http|_tcp|local
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null && npm install --silent --no-audit --no-fund dns-packet@5.6.1 >/dev/null
cat >labels.cjs <<'JS'
const dns = require("dns-packet");

const label = (text) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);
const encoded = (...labels) => Buffer.concat([...labels.map(label), Buffer.from([0])]);
function labelsAt(bytes, at) {
  const labels = [];
  for (let length = bytes[at]; length > 0; length = bytes[at]) {
    labels.push(bytes.toString("utf8", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return labels.join("|");
}

const instance = encoded("Lab 2.1", "_http", "_tcp", "local");
const header = Buffer.alloc(12);
header.writeUInt16BE(0x8400, 2); // an authoritative response
header.writeUInt16BE(1, 6); // of one answer
const fixed = Buffer.from([0, 12, 0, 1, 0, 0, 0, 120, 0, instance.length]); // PTR, IN, 120 s
const answer = Buffer.concat([header, encoded("_http", "_tcp", "local"), fixed, instance]);

const read = dns.decode(answer).answers[0].data;
const question = dns.encode({ type: "query", questions: [{ name: read, type: "SRV" }] });
const sent = labelsAt(instance, 0);
const asked = labelsAt(question, 12);
console.log(`read: ${JSON.stringify(read)}`);
console.log(`labels on the wire: ${sent}`);
console.log(`labels in the question: ${asked}`);
process.exit(sent === "Lab 2.1|_http|_tcp|local" && asked === "Lab 2|1|_http|_tcp|local" ? 0 : 1);
JS
node labels.cjs
