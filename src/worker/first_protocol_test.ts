import assert from "node:assert/strict";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { FirstProtocol } from "./first_protocol.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** One end of a channel whose other end is the test. */
function open() {
  const clock = new ManualClock();
  const sent: string[] = [];
  const heard: string[] = [];
  const state = { ended: false, destroyed: false, closed: false };
  let receiver: ByteReceiver | undefined;
  const channel: ByteChannel = {
    start: (given) => receiver = given,
    write: (bytes, written) => {
      sent.push(textOf(bytes));
      written();
    },
    pause() {},
    resume() {},
    end: () => state.ended = true,
    destroy() {
      state.destroyed = true;
      receiver?.closed(undefined);
    },
  };
  const protocol = new FirstProtocol(channel, (head) => bytesOf(`answer to ${head.trim()}`), clock);
  protocol.start({
    received: (bytes) => heard.push(textOf(bytes)),
    ended() {},
    closed: () => state.closed = true,
  });
  protocol.write(bytesOf("settings"), () => {});
  return {
    clock,
    sent,
    heard,
    state,
    receive: (text: string) => receiver!.received(bytesOf(text)),
  };
}

Deno.test("FirstProtocol passes HTTP/2 on, with what it wrote before, however it is cut", () => {
  for (const cuts of [[PREFACE, "frames"], [...PREFACE, "frames"]]) {
    const { sent, heard, receive, clock, state } = open();
    assert.deepEqual(sent, []);
    for (const piece of cuts) receive(piece);
    assert.deepEqual([sent, heard.join("")], [["settings"], `${PREFACE}frames`]);
    clock.advance(60_000);
    assert.equal(state.destroyed, false);
  }
});

Deno.test("FirstProtocol answers one request of HTTP/1.1 and ends; HTTP/2 hears nothing", () => {
  const { sent, heard, receive, clock, state } = open();
  for (const piece of "GET /livez HTTP/1.1\r\n\r\n") receive(piece);
  receive("GET /again HTTP/1.1\r\n\r\n");
  assert.deepEqual([sent, heard], [["answer to GET /livez HTTP/1.1"], []]);
  assert.equal(state.ended, true);
  clock.advance(1_000);
  assert.deepEqual([state.destroyed, state.closed], [true, true]);
});

Deno.test("FirstProtocol gives up a peer that is silent, slow, or sends a head without end", () => {
  const silent = open();
  silent.clock.advance(5_000);
  assert.deepEqual([silent.state.destroyed, silent.sent], [true, []]);
  const slow = open();
  slow.receive("GET /livez");
  slow.clock.advance(5_000);
  assert.deepEqual([slow.state.destroyed, slow.sent], [true, []]);
  const large = open();
  for (let sent = 0; sent < 8; sent++) large.receive("x".repeat(1_024));
  assert.equal(large.sent.length, 1);
});
