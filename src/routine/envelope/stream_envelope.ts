import type { EncodedPayload } from "../payload/payload.ts";
import { type CallEnvelope, callSizes, readCall, writeCall } from "./call_envelope.ts";
import { DELIMITED, FieldReader, VARINT } from "./field_reader.ts";
import { delimitedSize, FieldWriter, uint32Size } from "./field_writer.ts";
import { encodePayloadAlone, readPayload } from "./payload_field.ts";

/** One message to the caller of a stream: `selvage.v1.Item`. */
export type ItemMessage =
  /** One item of the routine's stream. */
  | { readonly kind: "value"; readonly payload: EncodedPayload }
  /** That many more items may be sent to the routine. */
  | { readonly kind: "credit"; readonly items: number }
  /** Something that only a newer peer knows. */
  | { readonly kind: "unknown" };

/** One message from the caller of a stream: `selvage.v1.DuplexRequest`. */
export type DuplexMessage =
  /** The call itself: the first message and only that. */
  | { readonly kind: "call"; readonly call: CallEnvelope }
  /** One item for the routine. */
  | { readonly kind: "value"; readonly payload: EncodedPayload }
  /** That many more items may be sent to the caller. */
  | { readonly kind: "credit"; readonly items: number }
  /** There are no more items for the routine; only credit follows. */
  | { readonly kind: "end" }
  /** Something that only a newer peer knows. */
  | { readonly kind: "unknown" };

// The fields of selvage.v1.Item.
const ITEM = { value: 1, credit: 2 } as const;
// The fields of selvage.v1.DuplexRequest.
const DUPLEX = { call: 1, value: 2, credit: 3, end: 4 } as const;

const UNKNOWN = { kind: "unknown" } as const;
const END = { kind: "end" } as const;

/** Writes a `selvage.v1.Item`, byte for byte as the generated code does. */
export function encodeItem(message: ItemMessage): Uint8Array {
  switch (message.kind) {
    case "value":
      return encodePayloadAlone(ITEM.value, message.payload);
    case "credit":
      return encodeNumber(ITEM.credit, message.items);
    case "unknown":
      return new FieldWriter(0).bytes;
  }
}

/**
 * Reads a `selvage.v1.Item`, whose payload refers to the message's bytes; fields that are not known are passed over.
 *
 * @throws {InvalidPayload} If it is torn or malformed.
 */
export function decodeItem(bytes: Uint8Array): ItemMessage {
  const reader = new FieldReader(bytes);
  let message: ItemMessage = UNKNOWN;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === ITEM.value) {
      if (reader.is(DELIMITED)) message = readValue(reader, message);
    } else if (field === ITEM.credit) {
      if (reader.is(VARINT)) message = { kind: "credit", items: reader.uint32() };
    } else reader.skip();
  }
  return message;
}

/** Writes a `selvage.v1.DuplexRequest`, byte for byte as the generated code does. */
export function encodeDuplexRequest(message: DuplexMessage): Uint8Array {
  switch (message.kind) {
    case "call":
      return encodeCall(message.call);
    case "value":
      return encodePayloadAlone(DUPLEX.value, message.payload);
    case "credit":
      return encodeNumber(DUPLEX.credit, message.items);
    case "end":
      return encodeNumber(DUPLEX.end, 1);
    case "unknown":
      return new FieldWriter(0).bytes;
  }
}

/**
 * Reads a `selvage.v1.DuplexRequest`, whose payload refers to the message's bytes; fields that are not known are passed
 * over.
 *
 * @throws {InvalidPayload} If it is torn or malformed, or its call is beyond the limits.
 */
export function decodeDuplexRequest(bytes: Uint8Array): DuplexMessage {
  const reader = new FieldReader(bytes);
  let message: DuplexMessage = UNKNOWN;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    switch (field) {
      case DUPLEX.call:
        if (reader.is(DELIMITED)) message = readCallField(reader, message);
        break;
      case DUPLEX.value:
        if (reader.is(DELIMITED)) message = readValue(reader, message);
        break;
      case DUPLEX.credit:
        if (reader.is(VARINT)) message = { kind: "credit", items: reader.uint32() };
        break;
      case DUPLEX.end:
        if (!reader.is(VARINT)) break;
        reader.skip();
        message = END;
        break;
      default:
        reader.skip();
    }
  }
  return message;
}

function encodeNumber(field: number, value: number): Uint8Array {
  const writer = new FieldWriter(uint32Size(value));
  writer.uint32(field, value);
  return writer.bytes;
}

function encodeCall(call: CallEnvelope): Uint8Array {
  const sizes = callSizes(call);
  const writer = new FieldWriter(delimitedSize(sizes.whole));
  writer.head(DUPLEX.call, sizes.whole);
  writeCall(writer, call, sizes);
  return writer.bytes;
}

/** One item. Of a class: V8 may make literals old (`docs/performance-changes.md`). */
class ValueMessage {
  readonly kind = "value";
  readonly payload: EncodedPayload;

  constructor(payload: EncodedPayload) {
    this.payload = payload;
  }
}

/** Parts of one message are one message: what the later does not say, the earlier has said. */
function readValue(
  reader: FieldReader,
  earlier: DuplexMessage,
): ValueMessage | typeof UNKNOWN {
  const payload = reader.message(readPayload) ??
    (earlier.kind === "value" ? earlier.payload : undefined);
  return payload === undefined ? UNKNOWN : new ValueMessage(payload);
}

function readCallField(reader: FieldReader, earlier: DuplexMessage): DuplexMessage {
  const before = earlier.kind === "call" ? earlier.call : undefined;
  return { kind: "call", call: reader.message((fields) => readCall(fields, before)) };
}
