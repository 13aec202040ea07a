/** Responses as a hostile server writes them: the bytes of the messages are its own. */
import { data, headers, join, literals, text, uint32 } from "../frames.ts";

/** The header section of an answer to a unary call. */
export const ANSWER: readonly string[] = [":status", "200", "content-type", "application/proto"];

/** The header section of an answer in items. */
export const ITEMS: readonly string[] = ANSWER.with(-1, "application/connect+proto");

/** A field of protobuf that has a length: its number, and what is in it. */
export function field(number: number, content: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = content.length;
  for (; rest >= 0x80; rest >>>= 7) length.push(rest & 0x7f | 0x80);
  return join(Uint8Array.of(number << 3 | 2, ...length, rest), content);
}

/** `selvage.v1.CallResponse` or an `Item` with a value, which look the same. */
export function result(value: unknown): Uint8Array {
  return jsonResult(JSON.stringify(value));
}

/** The same with a value in what may be JSON. */
export function jsonResult(json: string): Uint8Array {
  return field(1, field(2, text(json)));
}

/** The same with a value in CBOR. */
export function cborResult(value: Uint8Array): Uint8Array {
  return field(1, field(1, value));
}

/** An envelope of Connect: its flags, what is in it, and what it says its length is. */
export function envelope(
  flags: number,
  content: Uint8Array,
  declared: number = content.length,
): Uint8Array {
  return join(Uint8Array.of(flags), uint32(declared), content);
}

/** The envelope that ends a stream. */
export const END: Uint8Array = envelope(2, text("{}"));

/** A whole answer to a unary call. */
export function answer(streamId: number, value: unknown): Uint8Array {
  return join(headers(streamId, literals(ANSWER), false), data(streamId, result(value), true));
}
