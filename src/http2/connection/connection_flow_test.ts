import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ByteBudget } from "../guard/byte_budget.ts";
import { ErrorCode } from "../error_code.ts";
import type { Stream } from "../streams/stream.ts";
import { CollectedStream, REQUEST, settle } from "../../../tests/support/http2/test_peer.ts";
import { close, connect, echo, request } from "../../../tests/support/http2/connected.ts";

Deno.test("a body larger than every window and buffer arrives whole", async () => {
  const pair = connect(echo);
  const body = new Uint8Array(3_000_000).map((_, at) => at * 7);
  const { answer } = request(pair.client, { endStream: true, body });
  strictEqual((await answer.ended).how, "complete");
  deepStrictEqual(answer.bytes, body);
  await close(pair);
});

Deno.test("a reader that releases nothing stops the writer at the window", async () => {
  const reader = new CollectedStream();
  let held: Stream | undefined;
  const pair = connect((stream) => {
    held = stream;
    return reader;
  }, { limits: { streamWindowBytes: 100_000 } });
  const { stream, answer } = request(pair.client, { endStream: false });
  let queued = 0;
  await settle();
  while (stream.sendData(new Uint8Array(10_000), false)) queued += 10_000;
  await settle();
  // What was taken before the first `false`, and what the windows let through since.
  while (stream.sendData(new Uint8Array(10_000), false)) queued += 10_000;
  await settle();
  strictEqual(reader.bytes.length, 100_000);
  strictEqual(queued > 100_000 && queued < 400_000, true);
  const reported = answer.writableCalls;
  held!.release(100_000);
  await settle();
  strictEqual(reader.bytes.length > 100_000, true);
  strictEqual(answer.writableCalls, reported + 1);
  stream.reset(ErrorCode.CANCEL);
  await reader.ended;
  await close(pair);
});

Deno.test("paused streams do not keep the others from their bytes", async () => {
  const pair = connect((stream, fields, endStream) => {
    return fields.includes("/stuck") ? new CollectedStream() : echo(stream, fields, endStream);
  }, { limits: { streamWindowBytes: 70_000 } });
  const fields = REQUEST.map((text) => text === "/echo" ? "/stuck" : text);
  const body = new Uint8Array(200_000);
  const stuck = Array.from(
    { length: 10 },
    () => request(pair.client, { endStream: true, body }, fields).stream,
  );
  await settle();
  const { answer } = request(pair.client, { endStream: true, body });
  strictEqual((await answer.ended).how, "complete");
  strictEqual(answer.bytes.length, body.length);
  strictEqual(pair.server.streamCount, 10);
  for (const stream of stuck) stream.reset(ErrorCode.CANCEL);
  await close(pair);
});

Deno.test("streams whose readers pause hold their own windows, and not the connection's", async () => {
  const limits = { streamWindowBytes: 70_000, connectionWindowBytes: 100_000 };
  const pair = connect((stream, fields, endStream) => {
    return fields.includes("/stuck") ? new CollectedStream() : echo(stream, fields, endStream);
  }, { limits });
  const fields = REQUEST.map((text) => text === "/echo" ? "/stuck" : text);
  const body = new Uint8Array(200_000);
  const stuck = Array.from(
    { length: 50 },
    () => request(pair.client, { endStream: true, body }, fields).stream,
  );
  await settle();
  const { answer } = request(pair.client, { endStream: true, body });
  strictEqual((await answer.ended).how, "complete");
  strictEqual(answer.bytes.length, body.length);
  strictEqual(pair.server.streamCount, 50);
  for (const stream of stuck) stream.reset(ErrorCode.CANCEL);
  await close(pair);
});

Deno.test("a connection whose readers pause is held to its window where memory is short", async () => {
  const budget = new ByteBudget(400_000);
  const read: CollectedStream[] = [];
  const limits = { streamWindowBytes: 70_000, connectionWindowBytes: 100_000 };
  const pair = connect(() => {
    const reader = new CollectedStream();
    read.push(reader);
    return reader;
  }, { limits, budget });
  const streams = Array.from(
    { length: 20 },
    () => request(pair.client, { endStream: true, body: new Uint8Array(70_000) }).stream,
  );
  await settle();
  const received = read.reduce((sum, { bytes }) => sum + bytes.length, 0);
  // Half of the budget, and then what the connection's window had left: never the cut-off.
  strictEqual(received > 200_000 && received < 330_000, true, `${received} bytes were received`);
  strictEqual(pair.server.state, "open");
  for (const stream of streams) stream.reset(ErrorCode.CANCEL);
  await close(pair);
});
