import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "../../../tests/support/fast_check.ts";
import { InvalidPayload } from "../../errors/mod.ts";
import {
  type CallRequest,
  CallRequestSchema,
  CallResponseSchema,
  type DuplexRequest,
  DuplexRequestSchema,
  type Item,
  ItemSchema,
} from "../../gen/mod.ts";
import { type EncodedPayload, encodePayload } from "../payload/payload.ts";
import { decodeCallResponse, encodeCallResponse } from "./answer_envelope.ts";
import {
  type CallEnvelope,
  decodeCallRequest,
  encodeCallRequest,
  NO_ARGUMENTS,
} from "./call_envelope.ts";
import { callOf, duplexMessageOf, itemMessage, payloadMessage, payloadOf } from "./generated.ts";
import {
  decodeDuplexRequest,
  decodeItem,
  type DuplexMessage,
  encodeDuplexRequest,
  encodeItem,
  type ItemMessage,
} from "./stream_envelope.ts";

const text = (maxLength: number) => fc.string({ unit: "grapheme", maxLength });
const uint32 = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 0xffffffff }));
const payloads: fc.Arbitrary<EncodedPayload> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ form: "cbor" as const, bytes })),
  text(200).map((text) => ({ form: "json" as const, text })),
);
const ambient = fc.dictionary(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((name) =>
    name !== "__proto__"
  ),
  text(20),
  { minKeys: 1, maxKeys: 4, noNullPrototype: true },
);
const calls: fc.Arbitrary<CallEnvelope> = fc.record({
  routine: text(60),
  arguments: payloads,
  callId: text(20),
  parentId: text(20),
  ahead: uint32,
  tags: fc.array(text(20), { maxLength: 4 }),
  ambient,
}, {
  requiredKeys: ["routine", "arguments", "callId", "parentId", "ahead", "tags"],
});
const value = payloads.map((payload) => ({ kind: "value" as const, payload }));
const credit = uint32.map((items) => ({ kind: "credit" as const, items }));
const items: fc.Arbitrary<ItemMessage> = fc.oneof(value, credit);
const duplexMessages: fc.Arbitrary<DuplexMessage> = fc.oneof(
  calls.map((call) => ({ kind: "call" as const, call })),
  value,
  credit,
  fc.constant({ kind: "end" as const }),
);

const unknownItem = fc.constant({ kind: "unknown" as const });
/** A `value` that holds none of the encodings. */
const EMPTY_VALUE = [0x0a, 0x00];

/** A field that no message of ours has, of each wire type in use. */
const unknownFields = fc.oneof(
  fc.nat({ max: 127 }).map((n) => [0xf8, 0x07, n]),
  fc.constant([0xf8, 0x07, ...Array(9).fill(0xff), 0x01]),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((b) => [0xf9, 0x07, ...b]),
  fc.uint8Array({ maxLength: 100 }).map((b) => [0xfa, 0x07, b.length, ...b]),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((b) => [0xfd, 0x07, ...b]),
);

function joined(...parts: Iterable<number>[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** Bytes as plain arrays, so that a Buffer equals a Uint8Array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)]));
}

Deno.test("encodeCallRequest() writes what the generated code writes, and reads it back", () => {
  fc.assert(fc.property(calls, (call) => {
    const bytes = encodeCallRequest(call);
    assert.deepEqual([...bytes], [...toBinary(CallRequestSchema, callRequestMessage(call))]);
    assert.deepEqual(plain(decodeCallRequest(bytes)), plain(call));
    assert.deepEqual(plain(callOf(fromBinary(CallRequestSchema, bytes))), plain(call));
  }));
});

Deno.test("encodeCallRequest() writes around large arguments where there is room, and copies them elsewhere", () => {
  fc.assert(fc.property(calls, fc.boolean(), (call, fits) => {
    const args = encodePayload([new Uint8Array(2_000).fill(7)], "arguments");
    assert(args.form === "cbor");
    const before = [...args.bytes];
    const tags = fits ? [] : ["x".repeat(256)];
    const large = { ...call, routine: "a", callId: "b", ambient: {}, arguments: args, tags };
    const bytes = encodeCallRequest(large);
    if (!fits) assert.notEqual(bytes.buffer, args.bytes.buffer);
    else if (call.parentId === "") assert.equal(bytes.buffer, args.bytes.buffer);
    assert.deepEqual([...args.bytes], before);
    const copied = encodeCallRequest({
      ...large,
      arguments: { form: "cbor", bytes: args.bytes.slice() },
    });
    assert.deepEqual(plain(decodeCallRequest(bytes)), plain(decodeCallRequest(copied)));
    assert.deepEqual(fromBinary(CallRequestSchema, bytes), fromBinary(CallRequestSchema, copied));
  }));
});

Deno.test("decodeCallRequest() reads parts of one message as the generated code does", () => {
  fc.assert(fc.property(calls, unknownFields, calls, (first, unknown, second) => {
    const bytes = joined(unknown, encodeCallRequest(first), unknown, encodeCallRequest(second));
    const theirs = callOf(fromBinary(CallRequestSchema, bytes));
    assert.deepEqual(plain(decodeCallRequest(bytes)), plain(theirs));
  }));
});

Deno.test("encodeCallResponse() writes what the generated code writes, and reads it back", () => {
  fc.assert(fc.property(payloads, unknownFields, (result, unknown) => {
    const bytes = encodeCallResponse(result);
    const message = fromBinary(CallResponseSchema, bytes);
    assert.deepEqual([...bytes], [...toBinary(CallResponseSchema, message)]);
    assert.deepEqual(plain(payloadOf(message.result)), plain(result));
    assert.deepEqual(plain(decodeCallResponse(joined(unknown, bytes, unknown))), plain(result));
  }));
});

Deno.test("itemMessage() makes what itemOf() reads", () => {
  fc.assert(fc.property(items, (item) => {
    const bytes = toBinary(ItemSchema, itemMessage(item));
    assert.deepEqual(plain(itemOf(fromBinary(ItemSchema, bytes))), plain(item));
  }));
});

Deno.test("duplexRequestMessage() makes what duplexMessageOf() reads", () => {
  fc.assert(fc.property(duplexMessages, (message) => {
    const bytes = toBinary(DuplexRequestSchema, duplexRequestMessage(message));
    assert.deepEqual(
      plain(duplexMessageOf(fromBinary(DuplexRequestSchema, bytes))),
      plain(message),
    );
  }));
});

Deno.test("encodeItem() writes what the generated code writes, and reads it back", () => {
  fc.assert(fc.property(fc.oneof(items, unknownItem), (item) => {
    const bytes = encodeItem(item);
    assert.deepEqual([...bytes], [...toBinary(ItemSchema, itemMessage(item))]);
    assert.deepEqual(plain(decodeItem(bytes)), plain(item));
  }));
});

Deno.test("decodeItem() reads parts of one message as the generated code does", () => {
  const parts = fc.array(fc.oneof(items, fc.constant(EMPTY_VALUE), unknownFields), {
    maxLength: 4,
  });
  fc.assert(fc.property(parts, (parts) => {
    const bytes = joined(...parts.map((part) => "kind" in part ? encodeItem(part) : part));
    assert.deepEqual(plain(decodeItem(bytes)), plain(itemOf(fromBinary(ItemSchema, bytes))));
  }));
});

Deno.test("encodeDuplexRequest() writes what the generated code writes, and reads it back", () => {
  fc.assert(fc.property(fc.oneof(duplexMessages, unknownItem), (message) => {
    const bytes = encodeDuplexRequest(message);
    const theirs = toBinary(DuplexRequestSchema, duplexRequestMessage(message));
    assert.deepEqual([...bytes], [...theirs]);
    assert.deepEqual(plain(decodeDuplexRequest(bytes)), plain(message));
  }));
});

Deno.test("decodeDuplexRequest() reads parts of one message as the generated code does", () => {
  const parts = fc.array(
    fc.oneof(duplexMessages, fc.constantFrom([0x0a, 0], [0x12, 0], [0x20, 0]), unknownFields),
    { maxLength: 4 },
  );
  fc.assert(fc.property(parts, (parts) => {
    const bytes = joined(...parts.map((part) => "kind" in part ? encodeDuplexRequest(part) : part));
    const theirs = duplexMessageOf(fromBinary(DuplexRequestSchema, bytes));
    assert.deepEqual(plain(decodeDuplexRequest(bytes)), plain(theirs));
  }));
});

Deno.test("each decoder reads any bytes to a message or an InvalidPayload, nothing else", () => {
  const decoders = [decodeCallRequest, decodeCallResponse, decodeItem, decodeDuplexRequest];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes);
        } catch (error) {
          assert(error instanceof InvalidPayload, String(error));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("decodeCallRequest() refuses what is torn, lies about a length, or has no end", () => {
  const hex = [
    "0a05 6162",
    "0affffffff0f61",
    "12020a05",
    "0a",
    "00",
    "0b",
    "0a02fffe",
    "ffffffffffffffffffff01",
  ];
  for (const message of hex) {
    const bytes = Uint8Array.fromHex(message.replaceAll(" ", ""));
    assert.throws(() => decodeCallRequest(bytes), InvalidPayload, message);
  }
});

Deno.test("decodeCallRequest() keeps an inner message from reading past its end", () => {
  // Field 2 says three bytes, of which its own field claims four.
  const bytes = Uint8Array.fromHex("12030a04010a0161");
  assert.throws(() => decodeCallRequest(bytes), /ends in the middle/);
});

Deno.test("decodeCallRequest() bounds what is kept beside the payload", () => {
  const call: CallEnvelope = {
    routine: "a",
    arguments: NO_ARGUMENTS,
    callId: "",
    parentId: "",
    ahead: 0,
    tags: [],
  };
  for (
    const beyond of [
      { callId: "x".repeat(129) },
      { parentId: "x".repeat(129) },
      { tags: Array(65).fill("x") },
      { tags: ["x".repeat(257)] },
    ]
  ) {
    const bytes = encodeCallRequest({ ...call, ...beyond });
    assert.throws(() => decodeCallRequest(bytes), InvalidPayload);
    assert.throws(() => callOf(fromBinary(CallRequestSchema, bytes)), InvalidPayload);
  }
});

Deno.test("decodeCallRequest() takes a call without arguments for one with an empty list", () => {
  assert.deepEqual(decodeCallRequest(Uint8Array.fromHex("0a0161")).arguments, NO_ARGUMENTS);
  assert.throws(() => decodeCallResponse(new Uint8Array(0)), /holds no result/);
  assert.equal(payloadOf(payloadMessage(NO_ARGUMENTS))?.form, "cbor");
});

function callRequestMessage(call: CallEnvelope): CallRequest {
  return create(CallRequestSchema, {
    ...call,
    arguments: payloadMessage(call.arguments),
    tags: [...call.tags],
    ambient: Object.entries(call.ambient ?? {}).map(([name, value]) => ({ name, value })),
  });
}

function itemOf({ message }: Item): ItemMessage {
  if (message.case === "credit") return { kind: "credit", items: message.value };
  const payload = message.case === "value" ? payloadOf(message.value) : undefined;
  return payload === undefined ? { kind: "unknown" } : { kind: "value", payload };
}

function duplexRequestMessage(message: DuplexMessage): DuplexRequest {
  switch (message.kind) {
    case "call":
      return create(DuplexRequestSchema, {
        message: { case: "call", value: callRequestMessage(message.call) },
      });
    case "value":
      return create(DuplexRequestSchema, {
        message: { case: "value", value: payloadMessage(message.payload) },
      });
    case "credit":
      return create(DuplexRequestSchema, { message: { case: "credit", value: message.items } });
    case "end":
      return create(DuplexRequestSchema, { message: { case: "end", value: true } });
    case "unknown":
      return create(DuplexRequestSchema);
  }
}
