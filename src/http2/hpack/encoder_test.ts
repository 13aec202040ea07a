import { deepStrictEqual, notDeepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder, maxBlockBytes } from "./encoder.ts";

function encode(encoder: HpackEncoder, fields: readonly string[]): Uint8Array {
  const out = new Uint8Array(maxBlockBytes(fields));
  return out.slice(0, encoder.encode(fields, out, 0));
}

function decode(decoder: HpackDecoder, block: Uint8Array): readonly string[] {
  return decoder.decode(block, 0, block.length).fields;
}

Deno.test("HpackEncoder writes the requests of RFC 7541 C.4", () => {
  const encoder = new HpackEncoder(4096);
  const first = [
    ":method",
    "GET",
    ":scheme",
    "http",
    ":path",
    "/",
    ":authority",
    "www.example.com",
  ];
  strictEqual(encode(encoder, first).toHex(), "828684418cf1e3c2e5f23a6ba0ab90f4ff");
  const second = [...first, "cache-control", "no-cache"];
  strictEqual(encode(encoder, second).toHex(), "828684be5886a8eb10649cbf");
});

Deno.test("HpackEncoder writes a list again as the table then stands", () => {
  const encoder = new HpackEncoder(4096);
  const decoder = new HpackDecoder(65_536);
  const repeated = [":status", "200", "content-type", "application/proto", "x-node", "7"];
  const sizes: number[] = [];
  for (let turn = 0; turn < 12; turn++) {
    const block = encode(encoder, repeated);
    sizes.push(block.length);
    deepStrictEqual(decode(decoder, block), repeated);
    // Something new moves every index.
    const other = [":status", "200", "x-other", `value ${turn}`];
    if (turn > 5) deepStrictEqual(decode(decoder, encode(encoder, other)), other);
  }
  deepStrictEqual(sizes.slice(1), Array(11).fill(3));
});

Deno.test("HpackEncoder never indexes secrets, and leaves varying fields out of the table", () => {
  const encoder = new HpackEncoder(4096);
  strictEqual(encode(encoder, ["authorization", "x"])[0], 0x1f);
  strictEqual(encode(encoder, ["x-auth-token", "x"])[0], 0x10);
  strictEqual(encode(encoder, ["cookie", "a=b"])[0], 0x1f);
  strictEqual(encode(encoder, ["grpc-timeout", "100m"])[0], 0x00);
  strictEqual(encode(encoder, ["content-length", "12"])[0], 0x0f);
  strictEqual(encode(encoder, ["x-plain", "x"])[0], 0x40);
});

Deno.test("HpackEncoder stops indexing a name whose values nobody repeats", () => {
  const encoder = new HpackEncoder(4096);
  const firsts = Array.from({ length: 20 }, (_, at) => encode(encoder, ["x-id", `id ${at}`])[0]!);
  strictEqual(firsts.slice(0, 8).every((first) => first >= 0x40), true);
  strictEqual(firsts.slice(8).every((first) => first < 0x10), true);
});

Deno.test("HpackEncoder announces the smallest and the final table size, once", () => {
  const encoder = new HpackEncoder(4096);
  const fields = ["x-a", "1"];
  encode(encoder, fields);
  encoder.allowTable(0);
  encoder.allowTable(1000);
  encoder.allowTable(9000);
  const block = encode(encoder, fields);
  strictEqual(block.toHex().startsWith("203fe11f40"), true, block.toHex());
  notDeepStrictEqual(encode(encoder, fields), block);
  encoder.allowTable(9000);
  strictEqual(encode(encoder, fields).toHex(), "be");
});

Deno.test("HpackEncoder keeps to the table that its owner prefers", () => {
  const encoder = new HpackEncoder(0);
  strictEqual(encode(encoder, ["x-a", "1"])[0], 0x20);
  const again = encode(encoder, ["x-a", "1"]);
  strictEqual(again[0]! < 0x40, true);
});

Deno.test("HpackDecoder reads what HpackEncoder writes, whatever the fields and table sizes", () => {
  const name = fc.constantFrom("x-a", "x-b", ":path", "cookie", "grpc-timeout", "content-type");
  const value = fc.uint8Array({ maxLength: 80 }).map((bytes) => String.fromCharCode(...bytes));
  const list = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((fields) => fields.flat());
  const step = fc.oneof(list, fc.nat(5000));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(3), (steps, repeats) => {
      const encoder = new HpackEncoder(4096);
      const decoder = new HpackDecoder(1_000_000);
      for (const step of steps) {
        if (typeof step === "number") {
          encoder.allowTable(step);
          decoder.limitTable(Math.min(step, 4096));
          continue;
        }
        for (let turn = 0; turn <= repeats; turn++) {
          deepStrictEqual(decode(decoder, encode(encoder, step)), step);
        }
      }
    }),
  );
});
