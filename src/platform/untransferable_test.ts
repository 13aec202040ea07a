import assert from "node:assert/strict";
import { markUntransferable } from "./untransferable.ts";

Deno.test("markUntransferable() makes every transfer throw, and leaves the buffer as it is", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const { buffer } = bytes;
  markUntransferable(buffer);
  const { port1, port2 } = new MessageChannel();
  assert.throws(() => structuredClone(bytes, { transfer: [buffer] }));
  assert.throws(() => port1.postMessage(bytes, [buffer]));
  assert.throws(() => buffer.transfer());
  port1.close();
  port2.close();
  assert.throws(() => {
    new ReadableStream({ type: "bytes", start: (controller) => controller.enqueue(bytes) });
  });
  assert.deepEqual(bytes, new Uint8Array([1, 2, 3]));
  assert.deepEqual(structuredClone(bytes), bytes);
});
