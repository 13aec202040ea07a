import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openClientConnection } from "./connection/client_connection.ts";
import { ErrorCode } from "./error_code.ts";
import { FrameType } from "./frame/frame_header.ts";
import { encodeSettings, Setting } from "./frame/settings.ts";
import type { HeaderList } from "./header_list.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import {
  frame,
  ManualTime,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  textBytes,
  uint32,
} from "../../tests/support/http2/test_peer.ts";
import { connect, finished, request } from "../../tests/support/http2/raw_server.ts";

/** What the client makes of a response that the server sends in these frames. */
async function verdict(
  respond: (peer: RawPeer) => void,
  fields: HeaderList = REQUEST,
): Promise<{ how: string; code: number }> {
  const setup = connect();
  const { answer } = request(setup.client, { endStream: true }, fields);
  await setup.peer.expect(FrameType.HEADERS);
  respond(setup.peer);
  const { how, code } = await answer.ended;
  await finished(setup);
  return { how, code };
}

const MALFORMED = { how: "reset-by-us", code: ErrorCode.PROTOCOL_ERROR };
const COMPLETE = { how: "complete", code: ErrorCode.NO_ERROR };

Deno.test("malformed responses are reset with PROTOCOL_ERROR", async () => {
  for (
    const fields of [
      ["content-type", "text/plain"],
      [":status", "99"],
      [":status", "2000"],
      [":status", "101"],
      [":status", "200", ":status", "200"],
      [":path", "/", ":status", "200"],
      [":status", "200", "connection", "close"],
      [":status", "200", "X", "y"],
      [":status", "200", "x", "a\nb"],
      [":status", "200", "content-length", "5"],
    ]
  ) {
    deepStrictEqual(await verdict((peer) => peer.headers(1, fields, true)), MALFORMED);
  }
});

Deno.test("a body that differs from its content-length is reset with PROTOCOL_ERROR", async () => {
  const outcome = await verdict((peer) => {
    peer.headers(1, [":status", "200", "content-length", "3"], false);
    peer.data(1, new Uint8Array(4), true);
  });
  deepStrictEqual(outcome, MALFORMED);
});

Deno.test("an answer to HEAD, and one with 304, has no body whatever its content-length says", async () => {
  const head = REQUEST.map((text) => text === "POST" ? "HEAD" : text);
  const announce = (status: string) => (peer: RawPeer) =>
    peer.headers(1, [":status", status, "content-length", "3"], true);
  deepStrictEqual(await verdict(announce("200"), head), COMPLETE);
  deepStrictEqual(await verdict(announce("304")), COMPLETE);
  const withBody = await verdict((peer) => {
    peer.headers(1, [":status", "200", "content-length", "3"], false);
    peer.data(1, new Uint8Array(3), true);
  }, head);
  deepStrictEqual(withBody, MALFORMED);
});

Deno.test("a 1xx response that ends its stream is reset with PROTOCOL_ERROR", async () => {
  deepStrictEqual(await verdict((peer) => peer.headers(1, [":status", "100"], true)), MALFORMED);
});

Deno.test("DATA before the response's headers is reset with PROTOCOL_ERROR", async () => {
  deepStrictEqual(await verdict((peer) => peer.data(1, new Uint8Array(1), true)), MALFORMED);
});

Deno.test("a header list over the limit is reset, and a bomb ends the connection", async () => {
  const large = (bytes: number) => [":status", "200", "x-large", "a".repeat(bytes)];
  const outcome = await verdict((peer) => peer.headers(1, large(17_000), true));
  deepStrictEqual(outcome, { how: "reset-by-us", code: ErrorCode.ENHANCE_YOUR_CALM });
});

Deno.test("a flood of 1xx responses ends with ENHANCE_YOUR_CALM", async () => {
  const time = new ManualTime();
  const { client, peer } = connect({
    clock: time.clock,
    schedule: time.schedule,
    limits: { overheadFrameBurst: 50 },
  });
  request(client);
  await peer.expect(FrameType.HEADERS);
  for (let count = 0; count < 100; count++) peer.headers(1, [":status", "103"], false);
  strictEqual(await peer.goAwayCode(), ErrorCode.ENHANCE_YOUR_CALM);
  await finished({ client, peer });
});

Deno.test("a server that opens streams or pushes ends with PROTOCOL_ERROR", async () => {
  for (
    const hostile of [
      (peer: RawPeer) => peer.headers(2, RESPONSE, true),
      (peer: RawPeer) => peer.headers(7, RESPONSE, true),
      (peer: RawPeer) => peer.send(frame(FrameType.PUSH_PROMISE, 4, 1, uint32(2))),
      (peer: RawPeer) => peer.send(encodeSettings([[Setting.ENABLE_PUSH, 1]])),
    ]
  ) {
    const { client, peer } = connect();
    const { answer } = request(client);
    await peer.expect(FrameType.HEADERS);
    hostile(peer);
    strictEqual(await peer.goAwayCode(), ErrorCode.PROTOCOL_ERROR);
    strictEqual((await answer.ended).how, "connection-lost");
    await finished({ client, peer });
  }
});

Deno.test("a server that does not speak HTTP/2 is reported as such", async () => {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near);
  const peer = new RawPeer(far, 24);
  peer.send(textBytes("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
  strictEqual(await peer.goAwayCode(), ErrorCode.FRAME_SIZE_ERROR);
  peer.destroy();
  strictEqual((await client.closed).how, "violated");
});

Deno.test("RST_STREAM(NO_ERROR) behind a whole answer keeps the answer", async () => {
  const { client, peer } = connect();
  const { stream, answer } = request(client, { endStream: false, body: textBytes("part") });
  await peer.expect(FrameType.DATA);
  peer.headers(1, RESPONSE, false);
  peer.data(1, textBytes("done"), true);
  peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(ErrorCode.NO_ERROR)));
  deepStrictEqual(await answer.ended, COMPLETE);
  strictEqual(answer.text, "done");
  stream.sendData(textBytes("more"), true);
  await settle();
  strictEqual(peer.dataBytes(1), 4);
  await finished({ client, peer });
});

Deno.test("RST_STREAM before the answer is whole is reported with its code", async () => {
  const reset = (code: number) => (peer: RawPeer) =>
    peer.send(frame(FrameType.RST_STREAM, 0, 1, uint32(code)));
  deepStrictEqual(await verdict(reset(ErrorCode.NO_ERROR)), {
    how: "reset-by-peer",
    code: ErrorCode.NO_ERROR,
  });
  deepStrictEqual(await verdict(reset(0xdead_beef)), { how: "reset-by-peer", code: 0xdead_beef });
  deepStrictEqual(await verdict(reset(ErrorCode.REFUSED_STREAM)), {
    how: "not-processed",
    code: ErrorCode.REFUSED_STREAM,
  });
});
