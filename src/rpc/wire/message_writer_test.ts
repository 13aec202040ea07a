import assert from "node:assert/strict";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import {
  AnySchema,
  DurationSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  StructSchema,
  TimestampSchema,
  UninterpretedOption_NamePartSchema,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import {
  EchoRequestSchema,
  file_selvage_test_v1_echo,
} from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { writeMessage } from "./message_writer.ts";

function writtenAlike(desc: DescMessage, message: Message): void {
  assert.deepEqual(writeMessage(desc, message), toBinary(desc, message));
}

/**
 * A message with a field of each scalar type: alone, optional, in a oneof, in a list, and in one that is packed where
 * lists of the syntax are not, or the other way round.
 */
function everyField(syntax: "proto2" | "proto3"): DescMessage {
  const isProto3 = syntax === "proto3";
  const types = Object.values(Type).filter((type): type is Type =>
    typeof type === "number" && type !== Type.GROUP && type !== Type.MESSAGE && type !== Type.ENUM
  );
  const field = types.flatMap((type, at) => {
    const name = `of_${Type[type].toLowerCase()}`;
    const number = at * 5 + 1;
    const one = { type, label: Label.OPTIONAL };
    const list = { type, label: Label.REPEATED };
    const packable = type !== Type.STRING && type !== Type.BYTES;
    return [
      // The order of the numbers is not that of the declarations.
      { ...list, name: `${name}_list`, number: number + 4 },
      { ...one, name, number },
      {
        ...one,
        name: `${name}_optional`,
        number: number + 1,
        ...(isProto3 && { proto3Optional: true, oneofIndex: at + 1 }),
      },
      { ...one, name: `${name}_chosen`, number: number + 2, oneofIndex: 0 },
      {
        ...list,
        name: `${name}_loose`,
        number: number + 3,
        options: { packed: packable && !isProto3 },
      },
    ];
  });
  const nested = { type: Type.MESSAGE, typeName: ".every.Every" };
  const optional = isProto3 ? types.map((_, at) => ({ name: `_optional${at}` })) : [];
  const oneofDecl = [{ name: "choice" }, ...optional];
  const file = create(FileDescriptorProtoSchema, {
    name: `every_${syntax}.proto`,
    package: "every",
    syntax,
    enumType: [{
      name: "Kind",
      value: [{ name: "NONE", number: 0 }, { name: "SOME", number: -7 }],
    }],
    messageType: [{
      name: "Every",
      field: [
        ...field,
        { ...nested, name: "inner", number: 200, label: Label.OPTIONAL },
        { ...nested, name: "inners", number: 201, label: Label.REPEATED },
        { ...nested, name: "inner_chosen", number: 202, label: Label.OPTIONAL, oneofIndex: 0 },
        {
          name: "kind",
          number: 203,
          label: Label.OPTIONAL,
          type: Type.ENUM,
          typeName: ".every.Kind",
        },
        {
          name: "kinds",
          number: 204,
          label: Label.REPEATED,
          type: Type.ENUM,
          typeName: ".every.Kind",
        },
      ],
      oneofDecl,
    }],
  });
  const set = create(FileDescriptorSetSchema, { file: [file] });
  return createFileRegistry(set).getMessage("every.Every")!;
}

const EVERY = everyField("proto3");
const EVERY_PROTO2 = everyField("proto2");

const SCALARS: Partial<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.STRING]: fc.string({ unit: "grapheme", maxLength: 60 }),
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 40 }),
  [ScalarType.DOUBLE]: fc.double(),
  [ScalarType.FLOAT]: fc.float(),
  [ScalarType.INT64]: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  [ScalarType.SINT64]: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  [ScalarType.SFIXED64]: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  [ScalarType.UINT64]: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  [ScalarType.FIXED64]: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  [ScalarType.UINT32]: fc.nat(),
  [ScalarType.FIXED32]: fc.nat(),
};

/** Messages of a type, with some of their fields. */
function messages(desc: DescMessage, depth = 2): fc.Arbitrary<Message> {
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of desc.fields) {
    const { scalar, message } = field;
    if (message !== undefined && depth === 0) continue;
    const one = message !== undefined
      ? messages(message, depth - 1)
      : scalar === undefined
      ? fc.constantFrom(0, -7, 12345)
      : SCALARS[scalar] ?? fc.integer();
    if (field.oneof === undefined) {
      members[field.localName] = field.fieldKind === "list" ? fc.array(one, { maxLength: 3 }) : one;
    } else {
      const { localName } = field.oneof;
      const choice = one.map((value) => ({ case: field.localName, value }));
      const others = members[localName];
      members[localName] = others === undefined ? choice : fc.oneof(others, choice);
    }
  }
  return fc.record(members, { requiredKeys: [] }).map((init) => create(desc, init as never));
}

for (const desc of [EVERY, EVERY_PROTO2]) {
  Deno.test(`writeMessage() writes what toBinary of protobuf-es writes, in ${desc.file.name}`, () => {
    fc.assert(
      fc.property(messages(desc), (message) => {
        const seen = { reads: 0 };
        const watched = new Proxy(message, {
          get: (target, name) => {
            if (name === "$typeName") seen.reads++;
            return Reflect.get(target, name);
          },
        });
        assert.deepEqual(writeMessage(desc, watched), toBinary(desc, message));
        // A message that was left to protobuf-es would have been read again.
        assert.equal(seen.reads, 1);
      }),
      { numRuns: 60 },
    );
  });
}

Deno.test("writeMessage() writes the messages of other editions, and those left to protobuf-es", () => {
  writtenAlike(FileDescriptorProtoSchema, file_selvage_test_v1_echo.proto);
  writtenAlike(TimestampSchema, create(TimestampSchema, { seconds: -1n, nanos: 5 }));
  writtenAlike(DurationSchema, create(DurationSchema));
  writtenAlike(AnySchema, create(AnySchema, { typeUrl: "a/b", value: new Uint8Array(300) }));
  writtenAlike(
    StructSchema,
    create(StructSchema, { fields: { a: { kind: { case: "boolValue", value: true } } } }),
  );
});

Deno.test("writeMessage() keeps the unknown fields of a message, also of one within another", () => {
  const unknown = [{ no: 900, wireType: 2, data: Uint8Array.of(2, 7, 7) }];
  const inner = create(EVERY, { ofInt32: 3 } as never);
  inner.$unknown = unknown;
  const message = create(EVERY, { inner } as never);
  message.$unknown = unknown;
  writtenAlike(EVERY, message);
});

Deno.test("writeMessage() leaves errors to protobuf-es, and the next message is whole", () => {
  const wrong: readonly unknown[] = [
    { ...create(EchoRequestSchema), count: -1 },
    { ...create(EchoRequestSchema), count: "x" },
    { ...create(EchoRequestSchema), data: 5 },
    { ...create(EchoRequestSchema, { text: "of another type" }), $typeName: "another.Type" },
    create(TimestampSchema, { nanos: 1 }),
  ];
  for (const message of wrong as never[]) {
    const errorOf = (write: typeof writeMessage) => {
      try {
        return write(EchoRequestSchema, message).toHex();
      } catch (error) {
        return `${error}`;
      }
    };
    assert.equal(errorOf(writeMessage), errorOf(toBinary));
    writtenAlike(EchoRequestSchema, create(EchoRequestSchema, { text: "next", count: 9 }));
  }
});

Deno.test("writeMessage() leaves a message with required fields to protobuf-es", () => {
  const desc = UninterpretedOption_NamePartSchema;
  const message = create(desc, { namePart: "name", isExtension: false });
  writtenAlike(desc, message);
  assert.throws(
    () => writeMessage(desc, create(desc, { namePart: "name" })),
    /required field not set/,
  );
});

Deno.test("writeMessage() writes a message that a getter of another asks for", () => {
  const within = create(EchoRequestSchema, { text: "within", count: 2 });
  let bytes: Uint8Array | undefined;
  const message = Object.defineProperty(create(EchoRequestSchema, { text: "around" }), "count", {
    get: () => {
      bytes = writeMessage(EchoRequestSchema, within);
      return 7;
    },
  });
  const around = writeMessage(EchoRequestSchema, message);
  assert.deepEqual(around, toBinary(EchoRequestSchema, { ...message, count: 7 }));
  assert.deepEqual(bytes, toBinary(EchoRequestSchema, within));
});

Deno.test("writeMessage() gives each message a buffer of its own", () => {
  const texts = ["a".repeat(10), "b".repeat(5_000), "c".repeat(60)];
  const written = texts.map((text) =>
    writeMessage(EchoRequestSchema, create(EchoRequestSchema, { text }))
  );
  for (const [at, text] of texts.entries()) {
    assert.deepEqual(written[at], toBinary(EchoRequestSchema, create(EchoRequestSchema, { text })));
    assert.equal(written[at]!.buffer.byteLength, written[at]!.byteLength);
  }
});
