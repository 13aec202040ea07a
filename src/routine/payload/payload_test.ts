import assert from "node:assert/strict";
import { InvalidPayload } from "../../errors/mod.ts";
import { freeLarge } from "../headroom.ts";
import { NO_BYTES } from "../../values/mod.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "./limits.ts";
import { decodeArguments, decodePayload, encodePayload, type PayloadForm } from "./payload.ts";

function throughCbor(value: unknown): unknown {
  return decodePayload(encodePayload(value, "result"), "result");
}

function throughJson(value: unknown): unknown {
  return decodePayload(encodePayload(value, "result", { form: "json" }), "result");
}

function invalid(path: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof InvalidPayload, String(error));
    assert.equal(error.path, path);
    assert.match(error.message, message);
    return true;
  };
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

Deno.test("encodePayload() keeps what JSON loses", () => {
  const values = [
    new Uint8Array([0, 255]),
    new Date(1_234),
    new Date(-8.64e15),
    new Date(NaN),
    new Map<unknown, unknown>([["a", 1], [2, new Map()], [new Date(0), undefined]]),
    new Set([1n, "1", 1]),
    -(2n ** 200n),
    0n,
    2n ** 64n,
    undefined,
    -0,
    NaN,
    -Infinity,
    2 ** 53,
    -(2 ** 53),
    1.1,
    0.5,
    { a: undefined, b: [undefined] },
  ];
  for (const value of values) assert.deepEqual(throughCbor(value), value);
});

Deno.test("encodePayload() writes any view of bytes as a plain Uint8Array of its own", () => {
  const whole = new Uint8Array([1, 2, 3, 4]);
  const payload = encodePayload(whole.subarray(1, 3), "result");
  assert.equal(payload.form, "cbor");
  const read = decodePayload(payload, "result") as Uint8Array;
  if (payload.form === "cbor") payload.bytes.fill(0);
  assert.equal(Object.getPrototypeOf(read), Uint8Array.prototype);
  assert.deepEqual([...read], [2, 3]);
  assert.equal(read.buffer.byteLength, 2);
});

Deno.test("encodePayload() writes the bytes that there are, and nothing of what was written before, whatever their length says", () => {
  class Longer extends Uint8Array {
    override get length(): number {
      return this.byteLength + added;
    }
  }
  let added = 0;
  for (const size of [10, 100, 5_000, 300_000]) {
    for (added of [1, 50, 4_000, 600_000]) {
      // What the buffers and the encoder's own hold from here on.
      const before = encodePayload({ before: new Uint8Array(size + added).fill(7) }, "result");
      if (before.form === "cbor") freeLarge(before.bytes, NO_BYTES);
      for (const value of [new Longer(size), { within: new Longer(size) }]) {
        assert.deepEqual(
          throughCbor(value),
          value instanceof Longer ? new Uint8Array(size) : { within: new Uint8Array(size) },
        );
      }
    }
  }
});

Deno.test("encodePayload() says which part cannot travel, and why", () => {
  class Account {
    open = true;
  }
  const cases: [unknown[], string, RegExp][] = [
    [[{ when: () => 1 }], "arguments[0].when", /is a function/],
    [[1, [Symbol("x")]], "arguments[1][0]", /is a symbol/],
    [[new Account()], "arguments[0]", /is an instance of Account/],
    [[{ "a b": new URL("https://example.org") }], 'arguments[0]["a b"]', /instance of URL/],
    [[new Map([["k", new WeakMap()]])], "arguments[0].k", /instance of WeakMap/],
    [[new Map([[() => 1, 2]])], "arguments[0].key(0)", /is a function/],
    [[new Set([new Float64Array(1)])], "arguments[0].value(0)", /instance of Float64Array/],
    [[new Error("x")], "arguments[0]", /instance of Error/],
    [["\ud800"], "arguments[0]", /half a character/],
    [[JSON.parse('{"__proto__":{"admin":true}}')], "arguments[0]", /__proto__/],
    [[Object.create({ inherited: 1 })], "arguments[0]", /not a plain value/],
  ];
  for (const form of ["cbor", "json"] as PayloadForm[]) {
    for (const [args, path, message] of cases) {
      assert.throws(() => encodePayload(args, "arguments", { form }), invalid(path, message));
    }
  }
});

Deno.test("encodePayload() refuses a cycle and says where it closes", () => {
  const cyclic: Record<string, unknown> = { list: [] };
  (cyclic["list"] as unknown[]).push({ back: cyclic });
  for (const form of ["cbor", "json"] as PayloadForm[]) {
    assert.throws(
      () => encodePayload([cyclic], "arguments", { form }),
      invalid("arguments[0].list[0].back", /refers back to what holds it/),
    );
  }
});

Deno.test("encodePayload() writes one object twice where it is no cycle", () => {
  const shared = { a: 1 };
  assert.deepEqual(throughCbor([shared, shared]), [{ a: 1 }, { a: 1 }]);
});

Deno.test("encodePayload() lets an argument and a result nest 64 deep, and no deeper", () => {
  for (const form of ["cbor", "json"] as PayloadForm[]) {
    const result = encodePayload(nested(64), "result", { form });
    assert.deepEqual(decodePayload(result, "result"), nested(64));
    const args = encodePayload([nested(64)], "arguments", { form });
    assert.deepEqual(decodeArguments(args), [nested(64)]);
    assert.throws(() => encodePayload(nested(65), "result", { form }), /deeper than 64 levels/);
    assert.throws(
      () => encodePayload([nested(65)], "arguments", { form }),
      /arguments\[0\].*deeper than 64 levels/,
    );
    assert.throws(() => encodePayload(nested(100_000), "result", { form }), InvalidPayload);
  }
});

Deno.test("encodePayload() stops at its limit, also when a small value unfolds into a large one", () => {
  let unfolding: unknown = ["x"];
  for (let i = 0; i < 60; i++) unfolding = [unfolding, unfolding];
  const wide = Array(1_000).fill("x".repeat(10_000));
  for (const form of ["cbor", "json"] as PayloadForm[]) {
    assert.throws(() => encodePayload(unfolding, "result", { form }), InvalidPayload);
    assert.throws(
      () => encodePayload(wide, "result", { form }),
      invalid("result", /more than 4194304 bytes/),
    );
    assert.throws(
      () =>
        encodePayload(["123456789"], "result", {
          form,
          limits: { ...DEFAULT_PAYLOAD_LIMITS, bytes: 10 },
        }),
      /10 bytes/,
    );
    encodePayload(["1234567"], "result", {
      form,
      limits: { ...DEFAULT_PAYLOAD_LIMITS, bytes: 11 },
    });
  }
});

Deno.test("encodePayload() bears getters that throw, re-enter or change what is written", () => {
  const throwing = {
    get a(): number {
      throw new RangeError("mine");
    },
  };
  assert.throws(() => encodePayload([throwing], "arguments"), InvalidPayload);
  const reentering = {
    get a(): unknown {
      return throughCbor({ b: "inner" });
    },
    c: "outer",
  };
  assert.deepEqual(throughCbor(reentering), { a: { b: "inner" }, c: "outer" });
  const map = new Map<string, unknown>([["grow", undefined]]);
  map.set("grow", {
    get a(): number {
      map.delete("last");
      return 1;
    },
  });
  map.set("last", 1);
  assert.throws(() => encodePayload(map, "result"), /changed while it was written/);
});

Deno.test("encodePayload() writes JSON in the nearest form", () => {
  assert.deepEqual(
    throughJson({
      when: new Date(0),
      bytes: new Uint8Array([1, 2, 3]),
      map: new Map([["a", new Set([1])]]),
      big: 12345678901234567890n,
      none: undefined,
      list: [undefined, NaN, -Infinity],
    }),
    {
      when: "1970-01-01T00:00:00.000Z",
      bytes: "AQID",
      map: [["a", [1]]],
      big: "12345678901234567890",
      list: [null, "NaN", "-Infinity"],
    },
  );
  assert.equal(throughJson(undefined), null);
});

Deno.test("decodeArguments() wants a list", () => {
  assert.deepEqual(decodeArguments({ form: "json", text: "[1,2]" }), [1, 2]);
  for (const text of ['{"0":1}', "1", "null", '"ab"']) {
    assert.throws(() => decodeArguments({ form: "json", text }), invalid("arguments", /a list/));
  }
});

Deno.test("decodePayload() refuses JSON that is torn, deep or would change a prototype", () => {
  const hostile = ["", "[1", "{", "[1] [2]", '{"__proto__":{}}', '["\\ud800"]', "[".repeat(1e6)];
  for (const text of [...hostile, `${"[".repeat(66)}${"]".repeat(66)}`]) {
    assert.throws(() => decodePayload({ form: "json", text }, "arguments"), InvalidPayload);
  }
  const secret = '{"password":"hunter2" oops}';
  try {
    decodePayload({ form: "json", text: secret }, "arguments");
  } catch (error) {
    assert.doesNotMatch(`${error} ${(error as Error).cause}`, /hunter2|password/);
  }
});
