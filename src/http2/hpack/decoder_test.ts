import { deepStrictEqual, notStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { HpackDecoder } from "./decoder.ts";
import { HpackError } from "./hpack_error.ts";

function decode(decoder: HpackDecoder, hex: string): readonly string[] {
  const bytes = Uint8Array.fromHex(hex);
  return decoder.decode(bytes, 0, bytes.length).fields;
}

const FIRST = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
const SECOND = [...FIRST, "cache-control", "no-cache"];
const THIRD = [
  ":method",
  "GET",
  ":scheme",
  "https",
  ":path",
  "/index.html",
  ":authority",
  "www.example.com",
  "custom-key",
  "custom-value",
];

Deno.test("HpackDecoder reads the requests of RFC 7541 C.3 and C.4", () => {
  const plain = new HpackDecoder(65_536);
  deepStrictEqual(decode(plain, "828684410f7777772e6578616d706c652e636f6d"), FIRST);
  deepStrictEqual(decode(plain, "828684be58086e6f2d6361636865"), SECOND);
  deepStrictEqual(
    decode(plain, "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"),
    THIRD,
  );
  const huffman = new HpackDecoder(65_536);
  deepStrictEqual(decode(huffman, "828684418cf1e3c2e5f23a6ba0ab90f4ff"), FIRST);
  deepStrictEqual(decode(huffman, "828684be5886a8eb10649cbf"), SECOND);
  deepStrictEqual(decode(huffman, "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"), THIRD);
});

Deno.test("HpackDecoder reads literals of every kind", () => {
  const decoder = new HpackDecoder(65_536);
  deepStrictEqual(decode(decoder, "040c2f73616d706c652f70617468"), [":path", "/sample/path"]);
  deepStrictEqual(decode(decoder, "100870617373776f726406736563726574"), ["password", "secret"]);
});

Deno.test("HpackDecoder refuses what RFC 7541 does not allow", () => {
  const refused = (hex: string) => throws(() => decode(new HpackDecoder(65_536), hex), HpackError);
  refused("80"); // index 0
  refused("be"); // nothing at index 62
  refused("7f00"); // a name at index 63
  refused("40"); // no name
  refused("4001"); // a name that ends early
  refused("400161"); // no value
  refused("40016105"); // a value that ends early
  refused("3fe21f"); // a table of 4,097
  refused("8220"); // a size update behind a field
  refused("202020"); // three size updates
});

Deno.test("HpackDecoder demands the reduction of the table that the peer has acknowledged", () => {
  const decoder = new HpackDecoder(65_536);
  decoder.limitTable(100);
  throws(() => decode(decoder, "82"), HpackError);
  const other = new HpackDecoder(65_536);
  other.limitTable(100);
  deepStrictEqual(decode(other, "3f4582"), [":method", "GET"]);
  throws(() => decode(other, "3f46"), HpackError);
});

Deno.test("HpackDecoder counts a list over the limit and keeps its first fields only", () => {
  const decoder = new HpackDecoder(100);
  const bytes = new Uint8Array(1000).fill(0x82);
  const { fields, listBytes } = decoder.decode(bytes, 0, bytes.length);
  deepStrictEqual(fields, [":method", "GET", ":method", "GET"]);
  strictEqual(listBytes, 42_000);
});

Deno.test("HpackDecoder shares equal blocks while the table stays the same", () => {
  const decoder = new HpackDecoder<string>(65_536);
  const block = (hex: string) => {
    const bytes = Uint8Array.fromHex(hex);
    return decoder.decode(bytes, 0, bytes.length);
  };
  block("400161 0162".replaceAll(" ", ""));
  strictEqual(block("be").fields[0], "a");
  const second = block("be");
  second.note = "known";
  strictEqual(block("be"), second);
  block("4001630164");
  const other = block("be");
  notStrictEqual(other, second);
  deepStrictEqual(other.fields, ["c", "d"]);
});

Deno.test("HpackDecoder throws nothing but its own error for random blocks", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder(1000);
      try {
        for (const block of blocks) decoder.decode(block, 0, block.length);
      } catch (error) {
        strictEqual(error instanceof HpackError, true, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
