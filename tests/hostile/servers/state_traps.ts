import {
  CODES,
  data,
  Flag,
  frame,
  goAway,
  headers,
  join,
  literals,
  Setting,
  settings,
  Type,
  uint32,
  windowUpdate,
} from "../frames.ts";
import { ANSWER, answer, result } from "./response_frames.ts";
import { onConnection, onStream, type Trap } from "./trap.ts";

const PROTOCOL = "GOAWAY PROTOCOL_ERROR";
const SIZE = "GOAWAY FRAME_SIZE_ERROR";
const ONE = Uint8Array.of(1);
const FIVE = new Uint8Array(5);
/** A stream that no dispatcher gets to. */
const IDLE = 99_999;
const OPEN = literals(ANSWER);

/** Frames where none may be. */
const states: readonly Trap[] = [
  says("DATA on an idle stream", PROTOCOL, () => [data(IDLE, ONE, true)]),
  says("HEADERS on an idle stream", PROTOCOL, () => [headers(IDLE, OPEN, true)]),
  says("RST_STREAM on an idle stream", PROTOCOL, () => [reset(IDLE, "CANCEL")]),
  says("WINDOW_UPDATE on an idle stream", PROTOCOL, () => [windowUpdate(IDLE, 1)]),
  says("a stream of the server's", PROTOCOL, () => [headers(2, OPEN, true)]),
  says("HEADERS on stream 0", PROTOCOL, () => [headers(0, OPEN, true)]),
  says("DATA on stream 0", PROTOCOL, () => [data(0, ONE, true)]),
  says("RST_STREAM on stream 0", PROTOCOL, () => [reset(0, "CANCEL")]),
  says("SETTINGS on a stream", PROTOCOL, (id) => [frame(Type.SETTINGS, 0, id)]),
  says("PING on a stream", PROTOCOL, (id) => [frame(Type.PING, 0, id, new Uint8Array(8))]),
  says("a push", PROTOCOL, (id) => [
    frame(Type.PUSH_PROMISE, Flag.END_HEADERS, id, join(uint32(2), literals([":path", "/"]))),
  ]),
  says("leave to push", PROTOCOL, () => [settings([Setting.ENABLE_PUSH, 1])]),
  says("CONTINUATION without HEADERS", PROTOCOL, (id) => [
    frame(Type.CONTINUATION, Flag.END_HEADERS, id, OPEN),
  ]),
  says("a header block that is interrupted", PROTOCOL, (id) => [
    frame(Type.HEADERS, 0, id, OPEN),
    frame(Type.PING, 0, 0, new Uint8Array(8)),
  ]),
  says("a header block continued on another stream", PROTOCOL, (id) => [
    frame(Type.HEADERS, 0, id, OPEN),
    frame(Type.CONTINUATION, Flag.END_HEADERS, id + 2),
  ]),
  says("GOAWAY whose last id rises", PROTOCOL, (id) => [goAway(id), goAway(id + 2)]),
  says("GOAWAY on a stream", PROTOCOL, (id) => [frame(Type.GOAWAY, 0, id, new Uint8Array(8))]),
  says("GOAWAY that is too short", SIZE, () => [frame(Type.GOAWAY, 0, 0, FIVE)]),
  onConnection(
    "GOAWAY that disowns every call, on every connection",
    "GOAWAY NO_ERROR",
    (visitor) => visitor.send(goAway(0)),
    { comesTo: "WorkerUnavailable not begun" },
  ),
  onConnection(
    "GOAWAY with an id of no stream, and an answer behind it",
    "GOAWAY NO_ERROR",
    (visitor, id) => visitor.send(goAway(id + 1), answer(id, 1)),
    { comesTo: "result 1" },
  ),
  onConnection(
    "data after the answer has ended",
    "GOAWAY STREAM_CLOSED",
    (visitor, id) => visitor.send(answer(id, 1), data(id, ONE, true)),
    { comesTo: "result 1" },
  ),
  onConnection(
    "HEADERS after the answer has ended",
    "GOAWAY STREAM_CLOSED",
    (visitor, id) => visitor.send(answer(id, 1), headers(id, OPEN, true)),
    { comesTo: "result 1" },
  ),
  onStream(
    "data after RST_STREAM",
    "WorkerUnavailable",
    "RST_STREAM STREAM_CLOSED",
    (visitor, id) => visitor.send(reset(id, "CANCEL"), data(id, ONE, true)),
  ),
  onStream(
    "a stream that depends on itself",
    "WorkerUnavailable",
    "RST_STREAM PROTOCOL_ERROR",
    (visitor, id) => visitor.send(frame(Type.PRIORITY, 0, id, join(uint32(id), ONE))),
  ),
];

/** Codes of RST_STREAM instead of an answer, and the result of the call. */
const RESETS: Readonly<Record<string, string>> = {
  NO_ERROR: "WorkerUnavailable",
  PROTOCOL_ERROR: "WorkerUnavailable",
  INTERNAL_ERROR: "WorkerUnavailable",
  CANCEL: "WorkerUnavailable",
  REFUSED_STREAM: "WorkerUnavailable not begun",
  ENHANCE_YOUR_CALM: "Overloaded",
  INADEQUATE_SECURITY: "AuthorizationError",
};

const resets: readonly Trap[] = Object.entries(RESETS).map(([code, comesTo]) =>
  onStream(
    `RST_STREAM ${code} instead of an answer`,
    comesTo,
    "nothing",
    (visitor, id) => visitor.send(reset(id, code)),
  )
);

/** Frames that are too long, too short, or of no known kind. */
const shapes: readonly Trap[] = [
  says("a frame of an octet too many", SIZE, (id) => [
    headers(id, OPEN, false),
    data(id, new Uint8Array(16_385), false),
  ]),
  says("a frame that announces 16 MiB", SIZE, (id) => [
    headers(id, OPEN, false),
    Uint8Array.of(0xff, 0xff, 0xff, Type.DATA, 0, 0, 0, 0, id),
  ]),
  says("PING of seven octets", SIZE, () => [frame(Type.PING, 0, 0, new Uint8Array(7))]),
  says("SETTINGS of five octets", SIZE, () => [frame(Type.SETTINGS, 0, 0, FIVE)]),
  says("an acknowledgement with content", SIZE, () => [
    frame(Type.SETTINGS, Flag.ACK, 0, new Uint8Array(6)),
  ]),
  says("RST_STREAM of five octets", SIZE, (id) => [frame(Type.RST_STREAM, 0, id, FIVE)]),
  says("WINDOW_UPDATE of five octets", SIZE, () => [frame(Type.WINDOW_UPDATE, 0, 0, FIVE)]),
  says("padding longer than its DATA", PROTOCOL, (id) => [
    headers(id, OPEN, false),
    frame(Type.DATA, Flag.PADDED, id, Uint8Array.of(5, 0, 0)),
  ]),
  says("padding longer than its HEADERS", PROTOCOL, (id) => [
    frame(Type.HEADERS, Flag.PADDED | Flag.END_HEADERS, id, Uint8Array.of(5, 0, 0)),
  ]),
  says("a frame size below the least", PROTOCOL, () => [
    settings([Setting.MAX_FRAME_SIZE, 16_383]),
  ]),
  says("a frame size of none", PROTOCOL, () => [settings([Setting.MAX_FRAME_SIZE, 0])]),
  says("a frame size above the most", PROTOCOL, () => [
    settings([Setting.MAX_FRAME_SIZE, 16_777_216]),
  ]),
  says("push that is neither on nor off", PROTOCOL, () => [settings([Setting.ENABLE_PUSH, 2])]),
  onStream(
    "PRIORITY of four octets",
    "WorkerUnavailable",
    "RST_STREAM FRAME_SIZE_ERROR",
    (visitor, id) => visitor.send(frame(Type.PRIORITY, 0, id, new Uint8Array(4))),
  ),
  onConnection("an answer that is cut off within a frame", "closed", async (visitor, id) => {
    await visitor.send(
      headers(id, OPEN, false),
      data(id, new Uint8Array(1000), true).slice(0, 500),
    );
    visitor[Symbol.dispose]();
  }),
  onConnection("an answer that is cut off between frames", "closed", async (visitor, id) => {
    await visitor.send(headers(id, OPEN, false), data(id, result(1), false));
    visitor[Symbol.dispose]();
  }),
  onConnection(
    "a socket that is half-closed instead of an answer",
    "GOAWAY NO_ERROR",
    (visitor) => {
      return visitor.end();
    },
  ),
];

/** What is wrong with when, or whether, a frame comes. */
export const stateTraps: readonly Trap[] = [...states, ...resets, ...shapes];

/** A trap that is made of frames alone, and costs the connection. */
function says(
  name: string,
  answer: string,
  respond: (streamId: number) => readonly Uint8Array[],
): Trap {
  return onConnection(name, answer, (visitor, id) => visitor.send(...respond(id)));
}

function reset(streamId: number, code: string): Uint8Array {
  return frame(Type.RST_STREAM, 0, streamId, uint32(CODES.indexOf(code as typeof CODES[number])));
}
