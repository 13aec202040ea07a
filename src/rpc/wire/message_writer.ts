/**
 * Fast path: messages are written one after the other into the buffer of one writer. `toBinary` of protobuf-es makes a
 * writer for each, with a buffer of 128 bytes and a larger one where a text follows; with the message itself these
 * are three `Uint8Array`s, each with memory outside of the heap, which was 15 % of the time of both ends of a service
 * that echoes 62 characters (`docs/performance-changes.md`). The plain path is `toBinary`: for messages with maps,
 * groups, required fields or fields that protobuf-es converts, and for each that cannot be written here, so that its
 * error is that of protobuf-es.
 */
import {
  type DescField,
  type DescMessage,
  type Message,
  type MessageShape,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/**
 * Writes a message in binary form, byte by byte as `toBinary` of protobuf-es does.
 *
 * @throws {Error} As `toBinary` does.
 */
export function writeMessage<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
): Uint8Array {
  const write = writerOf(desc);
  if (write === undefined) return toBinary(desc, message);
  // Taken away while it is in use: a getter of the program's own may write a message, too.
  const writer = spare ?? new BinaryWriter();
  spare = undefined;
  let bytes: Uint8Array;
  try {
    write(writer, message as Fields);
    bytes = writer.finish();
  } catch {
    return toBinary(desc, message);
  }
  if (bytes.byteLength <= KEPT_BYTES) spare = writer;
  return bytes;
}

/** The buffer of a message that is larger is let go, in bytes: making one for each took a third of a stream of 64 KiB. */
const KEPT_BYTES = 128 * 1024;

let spare: BinaryWriter | undefined;

/** A message, or the value of a oneof, as what writes it reads it. */
type Fields = Message & Readonly<Record<string, unknown>>;

type WriteMessage = (writer: BinaryWriter, message: Fields) => void;
type WriteValue = (writer: BinaryWriter, value: unknown) => void;

/** What writes messages of a type; `undefined` of those that are left to protobuf-es. */
const writers = new WeakMap<DescMessage, WriteMessage | undefined>();

function writerOf(desc: DescMessage): WriteMessage | undefined {
  if (writers.has(desc)) return writers.get(desc);
  const write = isPlain(desc, new Set()) ? compile(desc) : undefined;
  writers.set(desc, write);
  return write;
}

/** Whether the type and all within it are written here. */
function isPlain(desc: DescMessage, seen: Set<DescMessage>): boolean {
  if (seen.has(desc)) return true;
  seen.add(desc);
  return desc.fields.every((field) => {
    if (field.fieldKind === "map") return false;
    if (field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED) return false;
    const { message } = field;
    return message === undefined ||
      !(field as { delimitedEncoding?: boolean }).delimitedEncoding && !isConverted(message) &&
        isPlain(message, seen);
  });
}

/** Whether protobuf-es keeps fields of the type as something else than messages. */
function isConverted({ typeName }: DescMessage): boolean {
  return /^google\.protobuf\.(?:Struct|\w*Value)$/.test(typeName);
}

function compile(desc: DescMessage): WriteMessage {
  const { typeName } = desc;
  const fields: WriteMessage[] = [];
  const write: WriteMessage = (writer, message) => {
    if (message.$typeName !== typeName) throw UNUSUAL;
    for (let at = 0; at < fields.length; at++) fields[at]!(writer, message);
    const unknown = message.$unknown;
    if (unknown === undefined) return;
    for (const { no, wireType, data } of unknown) writer.tag(no, wireType).raw(data);
  };
  // Before its fields, which may be of the same type.
  writers.set(desc, write);
  for (const field of desc.fields.toSorted((a, b) => a.number - b.number)) {
    fields.push(fieldWriter(field));
  }
  return write;
}

/** Thrown, and caught here: protobuf-es words what is wrong with the message. */
const UNUSUAL = new Error("left to protobuf-es");

function fieldWriter(field: DescField): WriteMessage {
  const { localName: name } = field;
  if (field.fieldKind === "list") return listWriter(field, valueWriter(field));
  const write = valueWriter(field);
  if (field.oneof !== undefined) {
    const oneof = field.oneof.localName;
    return (writer, message) => {
      const { case: chosen, value } = message[oneof] as { case?: string; value?: unknown };
      if (chosen === name) write(writer, value);
    };
  }
  if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) {
    return (writer, message) => {
      const value = message[name];
      if (value !== undefined && Object.hasOwn(message, name)) write(writer, value);
    };
  }
  const isSet = presenceOf(field);
  return (writer, message) => {
    const value = message[name];
    if (isSet(value)) write(writer, value);
  };
}

/** Whether a field without a presence of its own is written: it is unless it has its zero value. */
function presenceOf(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === "enum") {
    const zero = field.enum.values[0]!.number;
    return (value) => value !== zero;
  }
  switch (field.scalar) {
    case ScalarType.BOOL:
      return (value) => value !== false;
    case ScalarType.STRING:
      return (value) => value !== "";
    case ScalarType.BYTES:
      return (value) => !(value instanceof Uint8Array) || value.byteLength > 0;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return (value) => !Object.is(value, 0);
    default:
      // Numbers, bigints and their texts.
      // deno-lint-ignore eqeqeq
      return (value) => value != 0;
  }
}

function listWriter(field: DescField & { fieldKind: "list" }, write: WriteValue): WriteMessage {
  const { localName: name, number } = field;
  if (field.listKind === "message" || !field.packed) {
    return (writer, message) => {
      const items = message[name] as readonly unknown[];
      for (let at = 0; at < items.length; at++) write(writer, items[at]);
    };
  }
  const writeScalar = scalarWriter(scalarOf(field));
  return (writer, message) => {
    const items = message[name] as readonly unknown[];
    if (items.length === 0) return;
    writer.tag(number, WireType.LengthDelimited).fork();
    for (let at = 0; at < items.length; at++) writeScalar(writer, items[at]);
    writer.join();
  };
}

/** Writes one value of a field with its tag. */
function valueWriter(field: DescField): WriteValue {
  const { number, message } = field;
  if (message !== undefined) {
    const write = writers.get(message) ?? compile(message);
    return (writer, value) => {
      if (value === undefined) throw UNUSUAL;
      writer.tag(number, WireType.LengthDelimited).fork();
      write(writer, value as Fields);
      writer.join();
    };
  }
  const type = scalarOf(field);
  const wireType = wireTypeOf(type);
  const write = scalarWriter(type);
  return (writer, value) => {
    writer.tag(number, wireType);
    write(writer, value);
  };
}

function scalarOf(field: DescField): ScalarType {
  return field.scalar ?? ScalarType.INT32;
}

function wireTypeOf(type: ScalarType): WireType {
  switch (type) {
    case ScalarType.BYTES:
    case ScalarType.STRING:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}

/** Writes a value; what is not of its type throws. */
function scalarWriter(type: ScalarType): WriteValue {
  return SCALARS[type] as WriteValue;
}

const SCALARS: Readonly<Record<ScalarType, (writer: BinaryWriter, value: never) => void>> = {
  [ScalarType.DOUBLE]: (writer, value) => void writer.double(value),
  [ScalarType.FLOAT]: (writer, value) => void writer.float(value),
  [ScalarType.INT64]: (writer, value) => void writer.int64(value),
  [ScalarType.UINT64]: (writer, value) => void writer.uint64(value),
  [ScalarType.INT32]: (writer, value) => void writer.int32(value),
  [ScalarType.FIXED64]: (writer, value) => void writer.fixed64(value),
  [ScalarType.FIXED32]: (writer, value) => void writer.fixed32(value),
  [ScalarType.BOOL]: (writer, value) => void writer.bool(value),
  [ScalarType.STRING]: (writer, value) => void writer.string(value),
  [ScalarType.BYTES]: (writer, value) => void writer.bytes(value),
  [ScalarType.UINT32]: (writer, value) => void writer.uint32(value),
  [ScalarType.SFIXED32]: (writer, value) => void writer.sfixed32(value),
  [ScalarType.SFIXED64]: (writer, value) => void writer.sfixed64(value),
  [ScalarType.SINT32]: (writer, value) => void writer.sint32(value),
  [ScalarType.SINT64]: (writer, value) => void writer.sint64(value),
};
