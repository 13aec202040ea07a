import { InvalidPayload } from "../../errors/mod.ts";
import type { EncodedPayload } from "../payload/payload.ts";
import { DELIMITED, FieldReader } from "./field_reader.ts";
import { encodePayloadAlone, readPayload } from "./payload_field.ts";

// The field of selvage.v1.CallResponse.
const RESULT = 1;

/** Writes a `selvage.v1.CallResponse`, byte for byte as the generated code does. */
export function encodeCallResponse(result: EncodedPayload): Uint8Array {
  return encodePayloadAlone(RESULT, result);
}

/**
 * Reads the result of a `selvage.v1.CallResponse`, which refers to its bytes; fields that are not known are passed over.
 *
 * @throws {InvalidPayload} If it is torn or malformed, or holds no result.
 */
export function decodeCallResponse(bytes: Uint8Array): EncodedPayload {
  const reader = new FieldReader(bytes);
  let result: EncodedPayload | undefined;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field !== RESULT) reader.skip();
    else if (reader.is(DELIMITED)) result = reader.message(readPayload) ?? result;
  }
  if (result !== undefined) return result;
  throw new InvalidPayload("the answer holds no result", { path: "result" });
}
