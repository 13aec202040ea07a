import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import type { ByteChannel } from "../byte_channel.ts";
import { Output, OUTPUT_BUFFER_BYTES } from "./output.ts";

/** A channel that records what it is given, and reports it as written when the test says so. */
class SlowChannel implements ByteChannel {
  readonly writes: { readonly bytes: Uint8Array; readonly written: () => void }[] = [];

  start(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}

  write(bytes: Uint8Array, written: () => void): void {
    this.writes.push({ bytes, written });
  }
}

function put(output: Output, ...octets: number[]): void {
  output.reserve(octets.length);
  for (const octet of octets) output.bytes[output.at++] = octet;
}

Deno.test("Output does not touch what was handed over until it was written", () => {
  const channel = new SlowChannel();
  const output = new Output(channel, () => {});
  put(output, 1, 2);
  strictEqual(output.send(), true);
  put(output, 3);
  output.send();
  deepStrictEqual(channel.writes.map(({ bytes }) => [...bytes]), [[1, 2], [3]]);
  strictEqual(output.inFlight, 3);
  channel.writes[0]!.written();
  put(output, 4);
  channel.writes[1]!.written();
  // What was gathered meanwhile is still there.
  output.send();
  deepStrictEqual([...channel.writes[2]!.bytes], [4]);
  deepStrictEqual([...channel.writes[1]!.bytes], [3]);
  strictEqual(output.inFlight, 1);
});

Deno.test("Output takes a new buffer where the old one is full, and hands over the old one first", () => {
  const channel = new SlowChannel();
  let reported = 0;
  const output = new Output(channel, () => reported++);
  put(output, 7);
  output.reserve(OUTPUT_BUFFER_BYTES);
  strictEqual(channel.writes.length, 1);
  const second = output.bytes;
  output.at += OUTPUT_BUFFER_BYTES;
  output.send();
  notStrictEqual(channel.writes[0]!.bytes.buffer, second.buffer);
  output.reserve(OUTPUT_BUFFER_BYTES + 1);
  strictEqual(output.room, OUTPUT_BUFFER_BYTES + 1);
  for (const { written } of channel.writes) written();
  strictEqual(reported, 2);
  strictEqual(output.inFlight, 0);
});

Deno.test("Output holds no buffer while there is nothing to say", () => {
  const channel = new SlowChannel();
  const output = new Output(channel, () => {});
  strictEqual(output.send(), false);
  put(output, 1);
  output.send();
  channel.writes[0]!.written();
  strictEqual(output.room, 0);
});
