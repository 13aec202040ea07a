import { strictEqual } from "node:assert/strict";
import fc from "../../../tests/support/fast_check.ts";
import { ClosedStreams } from "./closed_streams.ts";

Deno.test("ClosedStreams remembers how streams of late ended", () => {
  const closed = new ClosedStreams();
  strictEqual(closed.how(1), undefined);
  closed.add(1, "ended");
  closed.add(3, "reset-by-us");
  closed.add(5, "reset-by-peer");
  closed.add(0x7fff_ffff, "ended");
  strictEqual(closed.how(1), "ended");
  strictEqual(closed.how(3), "reset-by-us");
  strictEqual(closed.how(5), "reset-by-peer");
  strictEqual(closed.how(0x7fff_ffff), "ended");
  strictEqual(closed.how(7), undefined);
});

Deno.test("ClosedStreams forgets the oldest and mistakes none for another", () => {
  const closed = new ClosedStreams();
  for (let id = 1; id < 20_001; id += 2) closed.add(id, "ended");
  strictEqual(closed.how(1), undefined);
  strictEqual(closed.how(19_999), "ended");
  strictEqual(closed.how(19_999 + 4096), undefined);
});

Deno.test("ClosedStreams remembers the last 2,048 streams, also where they close out of order", () => {
  const closed = new ClosedStreams();
  const ids = Array.from({ length: 2048 }, (_, n) => 2 * n + 1);
  for (const id of ids.toReversed()) closed.add(id, "reset-by-peer");
  for (const id of ids) strictEqual(closed.how(id), "reset-by-peer");
  closed.add(1, "ended");
  strictEqual(closed.how(1), "ended");
  closed.add(4097, "ended");
  strictEqual(closed.how(1), undefined);
});

Deno.test("ClosedStreams remembers few streams whose places are the same at first, in whatever order", () => {
  const ids = fc.uniqueArray(fc.nat(63).map((step) => 64 * step + 1), { maxLength: 6 });
  fc.assert(fc.property(ids, (ids) => {
    const closed = new ClosedStreams();
    for (const id of ids) closed.add(id, "reset-by-us");
    for (const id of ids) strictEqual(closed.how(id), "reset-by-us");
  }));
});
