import { joined } from "../../src/values/mod.ts";

/** An `EchoRequest`, which is also the `EchoResponse` to it: text, and data where there is some. */
export function echoMessage(text: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const parts: Uint8Array[] = [Uint8Array.of(0x0a, ...varint(encoded.length)), encoded];
  if (data.length > 0) parts.push(Uint8Array.of(0x12, ...varint(data.length)), data);
  return joined(parts);
}

/** A message behind the five bytes that gRPC and Connect's streams put before each. */
export function enveloped(message: Uint8Array, flags = 0): Uint8Array {
  const head = new Uint8Array(5);
  head[0] = flags;
  new DataView(head.buffer).setUint32(1, message.length);
  return joined([head, message]);
}

/** The messages behind such bytes, with their flags. */
export function openEnvelopes(bytes: Uint8Array): { flags: number; message: Uint8Array }[] {
  const opened = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const end = at + 5 + view.getUint32(at + 1);
    opened.push({ flags: view.getUint8(at), message: bytes.subarray(at + 5, end) });
    at = end;
  }
  return opened;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
