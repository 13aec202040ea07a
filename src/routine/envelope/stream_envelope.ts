import type { EncodedPayload } from "../payload/payload.ts";
import { type CallEnvelope, callSizes, readCall, writeCall } from "./call_envelope.ts";
import { DELIMITED, FieldReader, VARINT } from "./field_reader.ts";
import { delimitedSize, FieldWriter, uint32Size } from "./field_writer.ts";
import { payloadSize, readPayload, writePayload } from "./payload_field.ts";

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
  /** Something that only a newer peer knows. */
  | { readonly kind: "unknown" };

/** Where a message has its value and its credit. */
interface StreamFields {
  readonly value: number;
  readonly credit: number;
}

// The fields of selvage.v1.Item and selvage.v1.DuplexRequest.
const ITEM: StreamFields = { value: 1, credit: 2 };
const DUPLEX: StreamFields = { value: 2, credit: 3 };
const CALL = 1;

/**
 * Writes a `selvage.v1.Item`, byte for byte as the generated code does.
 *
 * @param message The message.
 * @returns Its bytes.
 */
export function encodeItem(message: ItemMessage): Uint8Array {
  return encodeStreamMessage(message, ITEM);
}

/**
 * Reads a `selvage.v1.Item`; fields that are not known are passed over.
 *
 * @param bytes The message.
 * @returns What it says; a payload refers to the message's bytes.
 * @throws {InvalidPayload} If it is torn or malformed.
 */
export function decodeItem(bytes: Uint8Array): ItemMessage {
  const reader = new FieldReader(bytes);
  let message: ItemMessage = UNKNOWN;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    message = readStreamField(reader, field, ITEM, message);
  }
  return message;
}

/**
 * Writes a `selvage.v1.DuplexRequest`, byte for byte as the generated code does.
 *
 * @param message The message.
 * @returns Its bytes.
 */
export function encodeDuplexRequest(message: DuplexMessage): Uint8Array {
  if (message.kind !== "call") return encodeStreamMessage(message, DUPLEX);
  const sizes = callSizes(message.call);
  const writer = new FieldWriter(delimitedSize(sizes.whole));
  writer.head(CALL, sizes.whole);
  writeCall(writer, message.call, sizes);
  return writer.bytes;
}

/**
 * Reads a `selvage.v1.DuplexRequest`; fields that are not known are passed over.
 *
 * @param bytes The message.
 * @returns What it says; a payload refers to the message's bytes.
 * @throws {InvalidPayload} If it is torn or malformed, or its call is beyond the limits.
 */
export function decodeDuplexRequest(bytes: Uint8Array): DuplexMessage {
  const reader = new FieldReader(bytes);
  let message: DuplexMessage = UNKNOWN;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field !== CALL) {
      message = readStreamField(reader, field, DUPLEX, message);
    } else if (reader.is(DELIMITED)) {
      const earlier: CallEnvelope | undefined = message.kind === "call" ? message.call : undefined;
      message = { kind: "call", call: reader.message((inner) => readCall(inner, earlier)) };
    }
  }
  return message;
}

type StreamMessage = ItemMessage;

const UNKNOWN: StreamMessage = { kind: "unknown" };

function encodeStreamMessage(message: StreamMessage, fields: StreamFields): Uint8Array {
  switch (message.kind) {
    case "value": {
      const size = payloadSize(message.payload);
      const writer = new FieldWriter(delimitedSize(size));
      writer.head(fields.value, size);
      writePayload(writer, message.payload);
      return writer.bytes;
    }
    case "credit": {
      const writer = new FieldWriter(uint32Size(message.items));
      writer.uint32(fields.credit, message.items);
      return writer.bytes;
    }
    case "unknown":
      return new Uint8Array(0);
  }
}

/** Of several members of a oneof, the last one counts; of one message in parts, all. */
function readStreamField<M extends DuplexMessage>(
  reader: FieldReader,
  field: number,
  fields: StreamFields,
  message: M,
): M | StreamMessage {
  if (field === fields.value && reader.is(DELIMITED)) {
    const payload = reader.message(readPayload);
    if (payload !== undefined) return { kind: "value", payload };
    return message.kind === "value" ? message : UNKNOWN;
  }
  if (field === fields.credit && reader.is(VARINT)) {
    return { kind: "credit", items: reader.uint32() };
  }
  if (field !== fields.value && field !== fields.credit) reader.skip();
  return message;
}
