import { type Attack, onConnection, onStream } from "./attack.ts";
import { CALL, callFrames } from "./attacker.ts";
import {
  cancel,
  data,
  Flag,
  frame,
  goAway,
  headers,
  join,
  literals,
  PREFACE,
  Setting,
  settings,
  text,
  Type,
  uint32,
  windowUpdate,
} from "./frames.ts";
import { Attacker } from "./attacker.ts";
import { vanish } from "./vanish.ts";

const PROTOCOL = "GOAWAY PROTOCOL_ERROR";
/** What a peer that ends its direction is left with. */
const LEFT = "GOAWAY NO_ERROR";
const SIZE = "GOAWAY FRAME_SIZE_ERROR";
const ONE = Uint8Array.of(1);
const FIVE = new Uint8Array(5);

/** A call that stays open: its stream may have more data, and has none. */
const OPEN = headers(1, literals(CALL), false);
/** A call that has been sent and is not answered. */
const SENT = callFrames(1, "hostile.hold", []);

/** Frames where none may be. */
const states: readonly Attack[] = [
  onConnection("DATA on an idle stream", PROTOCOL, (a) => a.send(data(1, ONE, true))),
  onConnection("RST_STREAM on an idle stream", PROTOCOL, (a) => a.send(cancel(1))),
  onConnection("WINDOW_UPDATE on an idle stream", PROTOCOL, (a) => a.send(windowUpdate(1, 1))),
  onConnection(
    "a stream with an even id",
    PROTOCOL,
    (a) => a.send(headers(2, literals(CALL), true)),
  ),
  onConnection("HEADERS on stream 0", PROTOCOL, (a) => a.send(headers(0, literals(CALL), true))),
  onConnection("DATA on stream 0", PROTOCOL, (a) => a.send(data(0, ONE, true))),
  onConnection("SETTINGS on a stream", PROTOCOL, (a) => a.send(OPEN, frame(Type.SETTINGS, 0, 1))),
  onConnection(
    "PING on a stream",
    PROTOCOL,
    (a) => a.send(OPEN, frame(Type.PING, 0, 1, new Uint8Array(8))),
  ),
  onConnection(
    "a stream id that does not rise",
    PROTOCOL,
    (a) => a.send(headers(5, literals(CALL), false), headers(3, literals(CALL), false)),
  ),
  onConnection(
    "a push",
    PROTOCOL,
    (a) =>
      a.send(OPEN, frame(Type.PUSH_PROMISE, Flag.END_HEADERS, 1, join(uint32(2), literals(CALL)))),
  ),
  onConnection(
    "CONTINUATION without HEADERS",
    PROTOCOL,
    (a) => a.send(frame(Type.CONTINUATION, Flag.END_HEADERS, 1, literals(CALL))),
  ),
  onConnection(
    "a header block that is interrupted",
    PROTOCOL,
    (a) =>
      a.send(frame(Type.HEADERS, 0, 1, literals(CALL)), frame(Type.PING, 0, 0, new Uint8Array(8))),
  ),
  onConnection("a header block continued on another stream", PROTOCOL, (a) =>
    a.send(
      frame(Type.HEADERS, 0, 1, literals(CALL)),
      frame(Type.CONTINUATION, Flag.END_HEADERS, 3),
    )),
  onConnection(
    "HEADERS that go on after the answer has ended",
    "GOAWAY STREAM_CLOSED",
    async (a) => {
      await a.call(1);
      await a.heard();
      await a.send(headers(1, literals(CALL), true));
    },
  ),
  onConnection("data after the answer has ended", "GOAWAY STREAM_CLOSED", async (a) => {
    await a.call(1);
    await a.heard();
    await a.send(data(1, ONE, true));
  }),
  onStream(
    "data after END_STREAM",
    "RST_STREAM STREAM_CLOSED",
    (a) => a.send(SENT, data(1, ONE, true)),
  ),
  onStream(
    "trailers after END_STREAM",
    "RST_STREAM STREAM_CLOSED",
    (a) => a.send(SENT, headers(1, literals(["x", "y"]), true)),
  ),
  onStream(
    "data after RST_STREAM",
    "RST_STREAM STREAM_CLOSED",
    (a) => a.send(OPEN, cancel(1), data(1, ONE, true)),
  ),
  onStream(
    "a stream that depends on itself",
    "RST_STREAM PROTOCOL_ERROR",
    (a) => a.send(OPEN, frame(Type.PRIORITY, 0, 1, join(uint32(1), ONE))),
  ),
  onConnection("GOAWAY whose last id rises", PROTOCOL, (a) => a.send(OPEN, goAway(2), goAway(4))),
  // Such an id says of no stream that it was or was not handled; its sender is leaving all the same.
  onConnection("GOAWAY with odd ids", LEFT, (a) => a.send(goAway(7), goAway(5))),
  onConnection(
    "GOAWAY on a stream",
    PROTOCOL,
    (a) => a.send(OPEN, frame(Type.GOAWAY, 0, 1, new Uint8Array(8))),
  ),
  onConnection("GOAWAY that is too short", SIZE, (a) => a.send(frame(Type.GOAWAY, 0, 0, FIVE))),
];

/** Frames that are too long, too short, or of no known kind. */
const shapes: readonly Attack[] = [
  onConnection(
    "a frame of an octet too many",
    SIZE,
    (a) => a.send(OPEN, data(1, new Uint8Array(16_385), false)),
  ),
  onConnection(
    "a frame that announces 16 MiB",
    SIZE,
    (a) => a.send(Uint8Array.of(0xff, 0xff, 0xff, Type.DATA, 0, 0, 0, 0, 1)),
  ),
  onConnection(
    "PING of seven octets",
    SIZE,
    (a) => a.send(frame(Type.PING, 0, 0, new Uint8Array(7))),
  ),
  onConnection("SETTINGS of five octets", SIZE, (a) => a.send(frame(Type.SETTINGS, 0, 0, FIVE))),
  onConnection(
    "an acknowledgement with content",
    SIZE,
    (a) => a.send(frame(Type.SETTINGS, Flag.ACK, 0, new Uint8Array(6))),
  ),
  onConnection(
    "RST_STREAM of five octets",
    SIZE,
    (a) => a.send(OPEN, frame(Type.RST_STREAM, 0, 1, FIVE)),
  ),
  onConnection(
    "WINDOW_UPDATE of five octets",
    SIZE,
    (a) => a.send(frame(Type.WINDOW_UPDATE, 0, 0, FIVE)),
  ),
  onStream(
    "PRIORITY of four octets",
    "RST_STREAM FRAME_SIZE_ERROR",
    (a) => a.send(OPEN, frame(Type.PRIORITY, 0, 1, new Uint8Array(4))),
  ),
  onConnection(
    "padding longer than its DATA",
    PROTOCOL,
    (a) => a.send(OPEN, frame(Type.DATA, Flag.PADDED, 1, Uint8Array.of(5, 0, 0))),
  ),
  onConnection(
    "padding longer than its HEADERS",
    PROTOCOL,
    (a) => a.send(frame(Type.HEADERS, Flag.PADDED | Flag.END_HEADERS, 1, Uint8Array.of(5, 0, 0))),
  ),
  onConnection(
    "a frame size that no peer may announce",
    PROTOCOL,
    (a) => a.send(settings([Setting.MAX_FRAME_SIZE, 16_383])),
  ),
  onConnection(
    "push that is neither on nor off",
    PROTOCOL,
    (a) => a.send(settings([Setting.ENABLE_PUSH, 2])),
  ),
  onConnection("a frame that is cut off by the end", LEFT, async (a) => {
    await a.send(data(1, new Uint8Array(1000), true).subarray(0, 500));
    await a.end();
  }),
];

/** Connections that are invalid, or over. */
const connections: readonly Attack[] = [
  withoutGreeting(
    "another protocol's greeting",
    PROTOCOL,
    text("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
  ),
  withoutGreeting("noise", PROTOCOL, new Uint8Array(1000).fill(0xa5)),
  withoutGreeting("a preface without SETTINGS", PROTOCOL, PREFACE, data(1, ONE, true)),
  withoutGreeting("a preface with a wrong end", PROTOCOL, PREFACE.with(23, 0)),
  {
    name: "a socket that is half-closed at once",
    answer: LEFT,
    // Nothing was said that would need an answer.
    inPlaintext: "closed",
    times: 50,
    attack: async (target) => {
      using attacker = await Attacker.connect(target);
      await attacker.end();
      await attacker.closed;
      return await attacker.verdict();
    },
  },
  {
    name: "a socket that is half-closed with a call under way",
    answer: "200",
    times: 20,
    attack: async (target) => {
      using attacker = await Attacker.greet(target);
      await attacker.send(callFrames(1, "hostile.echo", [1]));
      await attacker.end();
      const found = await attacker.answer(1);
      await attacker.closed;
      return found;
    },
  },
  {
    name: "a socket that is half-closed in the midst of a request",
    answer: LEFT,
    times: 20,
    attack: async (target) => {
      using attacker = await Attacker.greet(target);
      await attacker.send(OPEN);
      await attacker.end();
      await attacker.closed;
      return await attacker.answer(1);
    },
  },
  {
    name: "a socket that is gone with calls under way",
    answer: "gone",
    times: 20,
    attack: async (target) => {
      await vanish(target);
      return "gone";
    },
  },
];

/** What is wrong with when, or whether, a frame comes. */
export const stateAttacks: readonly Attack[] = [...states, ...shapes, ...connections];

function withoutGreeting(name: string, answer: string, ...bytes: readonly Uint8Array[]): Attack {
  return {
    name,
    answer,
    attack: async (target) => {
      using attacker = await Attacker.connect(target);
      await attacker.send(...bytes);
      return await attacker.verdict();
    },
  };
}
