import assert from "node:assert/strict";
import { describeSpoken, spoken } from "./first_bytes.ts";

const text = (content: string): Uint8Array => new TextEncoder().encode(content).slice(0, 16);

const SPOKEN: readonly (readonly [string, Uint8Array, string])[] = [
  ["nothing", new Uint8Array(0), "nothing"],
  ["a TLS handshake", new Uint8Array([0x16, 3, 1, 0, 9]), "tls"],
  ["a TLS alert", new Uint8Array([0x15, 3, 3, 0, 2, 2, 40]), "tls"],
  ["the first byte of TLS alone", new Uint8Array([0x16]), "tls"],
  ["a byte that TLS begins with, and another version", new Uint8Array([0x16, 9]), "something else"],
  ["HTTP/2's preface", text("PRI * HTTP/2.0\r\n\r\n"), "http/2"],
  ["SETTINGS", new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]), "http/2"],
  ["an HTTP/1 answer", text("HTTP/1.1 400 Bad Request"), "http/1"],
  ["an HTTP/1 request", text("GET / HTTP/1.1"), "http/1"],
  ["an SSH banner", text("SSH-2.0-OpenSSH"), "ssh"],
  ["garbage", new Uint8Array([0xfe, 0xed]), "something else"],
];

for (const [title, bytes, kind] of SPOKEN) {
  Deno.test(`spoken reports ${title}`, () => assert.equal(spoken(bytes), kind));
}

Deno.test("describeSpoken shows what it cannot name as hexadecimal, never as text", () => {
  assert.equal(describeSpoken(text("SSH-2.0-x")), "SSH");
  assert.equal(describeSpoken(new Uint8Array([0xfe, 0x0a])), "neither TLS nor HTTP/2 (fe 0a)");
});
