import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { fromBase64, fromBase64Url, fromHex, toBase64, toBase64Url, toHex } from "./byte_text.ts";

const NATIVE = ["fromHex", "fromBase64"] as const;
const OF_BYTES = ["toHex", "toBase64"] as const;

/** Runs as on a platform without the methods of `Uint8Array`. */
function withoutNative<T>(work: () => T): T {
  const statics = NATIVE.map((name) =>
    [Uint8Array, name, Object.getOwnPropertyDescriptor(Uint8Array, name)!] as const
  );
  const methods = OF_BYTES.map((name) =>
    [
      Uint8Array.prototype,
      name,
      Object.getOwnPropertyDescriptor(Uint8Array.prototype, name)!,
    ] as const
  );
  const all = [...statics, ...methods];
  for (const [owner, name] of all) Reflect.deleteProperty(owner, name);
  try {
    return work();
  } finally {
    for (const [owner, name, descriptor] of all) Object.defineProperty(owner, name, descriptor);
  }
}

const bytesOf = fc.uint8Array({ maxLength: 70 });

Deno.test("bytes are the same text with and without the platform's own methods", () => {
  fc.assert(fc.property(bytesOf, (bytes) => {
    for (const write of [toHex, toBase64, toBase64Url]) {
      assert.equal(withoutNative(() => write(bytes)), write(bytes));
    }
  }));
});

Deno.test("text is read back as it was written, on either platform", () => {
  fc.assert(fc.property(bytesOf, (bytes) => {
    for (
      const [write, read] of [
        [toHex, fromHex],
        [toBase64, fromBase64],
        [toBase64Url, fromBase64Url],
      ] as const
    ) {
      assert.deepEqual([...read(write(bytes))], [...bytes]);
      assert.deepEqual([...withoutNative(() => read(write(bytes)))], [...bytes]);
    }
  }));
});

Deno.test("text of another form is refused on either platform", () => {
  const invalid = [
    ...["0", "0g", "0x00", " 00"].map((text) => [fromHex, text] as const),
    ...["a", "a*==", "ab=c", "-_"].map((text) => [fromBase64, text] as const),
    ...["a", "+/"].map((text) => [fromBase64Url, text] as const),
  ];
  for (const [read, text] of invalid) {
    assert.throws(() => read(text), SyntaxError, text);
    assert.throws(() => withoutNative(() => read(text)), SyntaxError, text);
  }
});
