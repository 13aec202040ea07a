import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { Http2Stream, type StreamHost } from "./http2_stream.ts";
import { StreamTable } from "./stream_table.ts";

function streamOf(id: number): Http2Stream {
  const stream = new Http2Stream({} as StreamHost, undefined);
  stream.id = id;
  return stream;
}

Deno.test("StreamTable holds the streams a Map would, whatever comes and goes", () => {
  const step = fc.record({ id: fc.integer({ min: 1, max: 400 }), add: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
    const table = new StreamTable();
    const expected = new Map<number, Http2Stream>();
    for (const { id, add } of steps) {
      const known = expected.get(id);
      if (add && known === undefined) {
        const stream = streamOf(id);
        table.add(stream);
        expected.set(id, stream);
      } else if (!add) {
        table.delete(known ?? streamOf(id));
        expected.delete(id);
      }
      strictEqual(table.get(id), expected.get(id));
      strictEqual(table.size, expected.size);
    }
    const ids = (streams: Iterable<Http2Stream>) => [...streams].map(({ id }) => id).sort();
    deepStrictEqual(ids(table.values()), ids(expected.values()));
  }));
});
