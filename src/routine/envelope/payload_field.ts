import { CborPayload, type EncodedPayload } from "../payload/payload.ts";
import { DELIMITED, type FieldReader } from "./field_reader.ts";
import { withHead } from "../../values/mod.ts";
import { withRoomBefore } from "../headroom.ts";
import { delimitedSize, FieldWriter, textSize } from "./field_writer.ts";

// The fields of selvage.v1.Payload.
const CBOR = 1;
const JSON_TEXT = 2;

/** How many bytes a `selvage.v1.Payload` takes. */
export function payloadSize(payload: EncodedPayload): number {
  return delimitedSize(payload.form === "cbor" ? payload.bytes.length : textSize(payload.text));
}

/** Writes the fields of a `selvage.v1.Payload`. */
export function writePayload(writer: FieldWriter, payload: EncodedPayload): void {
  if (payload.form === "cbor") writer.binary(CBOR, payload.bytes);
  else writer.text(JSON_TEXT, payload.text, textSize(payload.text));
}

/** The bytes of a message of `whole` bytes that ends with those of the payload, where it was given room before them. */
export function roomBefore(payload: EncodedPayload, whole: number): Uint8Array | undefined {
  if (payload.form !== "cbor") return undefined;
  const { bytes } = payload;
  const count = whole - bytes.length;
  return withHead(bytes, count) ?? withRoomBefore(bytes, count);
}

/** Writes what of a `selvage.v1.Payload` comes before the bytes of {@linkcode roomBefore}. */
export function writeHeadOf(writer: FieldWriter, payload: EncodedPayload): void {
  if (payload.form === "cbor") writer.head(CBOR, payload.bytes.length);
}

/**
 * Writes a message whose only field is a payload: around the payload's own bytes, where it was given room
 * before them.
 */
export function encodePayloadAlone(field: number, payload: EncodedPayload): Uint8Array {
  const size = payloadSize(payload);
  const whole = delimitedSize(size);
  const roomy = roomBefore(payload, whole);
  const writer = new FieldWriter(whole, roomy);
  writer.head(field, size);
  if (roomy === undefined) writePayload(writer, payload);
  else writeHeadOf(writer, payload);
  return writer.bytes;
}

/** Reads a `selvage.v1.Payload`; nothing where neither encoding is set. */
export function readPayload(reader: FieldReader): EncodedPayload | undefined {
  let payload: EncodedPayload | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === CBOR) {
      if (reader.is(DELIMITED)) payload = new CborPayload(reader.bytes());
    } else if (field === JSON_TEXT) {
      if (reader.is(DELIMITED)) payload = { form: "json", text: reader.text() };
    } else reader.skip();
  }
  return payload;
}
