import { strictEqual, throws } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { HpackError } from "./hpack_error.ts";
import { encodeHuffman, huffmanLength } from "./huffman.ts";
import { huffmanText } from "./text.ts";

function encoded(text: string): Uint8Array {
  const out = new Uint8Array(huffmanLength(text));
  strictEqual(encodeHuffman(text, out, 0), out.length);
  return out;
}

function decoded(bytes: Uint8Array): string {
  return huffmanText(bytes, 0, bytes.length);
}

Deno.test("encodeHuffman writes the strings of RFC 7541 C.4 and C.6", () => {
  strictEqual(encoded("www.example.com").toHex(), "f1e3c2e5f23a6ba0ab90f4ff");
  strictEqual(encoded("no-cache").toHex(), "a8eb10649cbf");
  strictEqual(encoded("custom-value").toHex(), "25a849e95bb8e8b4bf");
  strictEqual(encoded("302").toHex(), "6402");
  strictEqual(
    encoded("Mon, 21 Oct 2013 20:13:21 GMT").toHex(),
    "d07abe941054d444a8200595040b8166e082a62d1bff",
  );
});

Deno.test("huffmanText reads what encodeHuffman writes, every octet", () => {
  const octets = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(octets, (bytes) => {
    const text = String.fromCharCode(...bytes);
    strictEqual(decoded(encoded(text)), text);
  }));
  const every = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at));
  strictEqual(decoded(encoded(every)), every);
  const long = every.repeat(100);
  strictEqual(decoded(encoded(long)), long);
});

Deno.test("huffmanText refuses wrong padding and EOS", () => {
  throws(() => decoded(Uint8Array.of(0xff)), HpackError);
  throws(() => decoded(Uint8Array.of(0x07, 0xff)), HpackError);
  throws(() => decoded(Uint8Array.of(0x00)), HpackError);
  throws(() => decoded(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), HpackError);
  // "a" (00011) with three ones is right, with a zero among them wrong.
  strictEqual(decoded(Uint8Array.of(0b0001_1111)), "a");
  throws(() => decoded(Uint8Array.of(0b0001_1110)), HpackError);
});
