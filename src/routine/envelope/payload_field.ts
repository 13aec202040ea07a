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

/**
 * Writes a message whose only field is a payload: around the payload's own bytes, where it was given room
 * before them.
 */
export function encodePayloadAlone(field: number, payload: EncodedPayload): Uint8Array {
  const size = payloadSize(payload);
  const whole = delimitedSize(size);
  if (payload.form === "cbor") {
    const { bytes } = payload;
    const count = whole - bytes.length;
    const roomy = withHead(bytes, count) ?? withRoomBefore(bytes, count);
    if (roomy !== undefined) {
      const writer = new FieldWriter(whole, roomy);
      writer.head(field, size);
      writer.head(CBOR, bytes.length);
      return roomy;
    }
  }
  const writer = new FieldWriter(whole);
  writer.head(field, size);
  writePayload(writer, payload);
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
