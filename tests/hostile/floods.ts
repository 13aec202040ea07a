import { encodeCallRequest, encodePayload } from "../../src/routine/mod.ts";
import { type Attack, onConnection, onStream } from "./attack.ts";
import { type Attacker, CALL, callBody } from "./attacker.ts";
import {
  cancel,
  data,
  Flag,
  frame,
  goAway,
  headers,
  join,
  literals,
  repeated,
  Setting,
  settings,
  Type,
  windowUpdate,
} from "./frames.ts";
import { type Opened, ROUND, Rounds } from "./rounds.ts";

const CALM = "GOAWAY ENHANCE_YOUR_CALM";
/** How many writes an attacker is good for. */
const ROUNDS = 200;
/** Rounds of a thousand streams. */
const THOUSAND = 2;
const HOLD = callBody("hostile.hold", []);
const BINARY_CALL = CALL.with(-1, "application/proto");
const FRAME_BYTES = 16 * 1024;
/** So many calls stay within the first window of a connection. */
const CALLS_OF_ENTRIES = 8;
const MANY_ENTRIES = encodeCallRequest({
  routine: "hostile.large",
  arguments: encodePayload([new Set(Array.from({ length: 50_000 }, (_, at) => at))], "arguments"),
  callId: "",
  parentId: "",
  ahead: 0,
  tags: [],
});
/** As many settings as a frame has room for. */
const MANY_SETTINGS = settings(
  ...Array.from({ length: 2700 }, (_, at) => [Setting.INITIAL_WINDOW_SIZE, at] as const),
);

/** Many of what one of costs nothing. */
export const floods: readonly Attack[] = [
  streams("rapid reset", (id, block) => [headers(id, block, false), cancel(id)]),
  streams("rapid reset of calls that have begun", (id, block) => [
    headers(id, block, false),
    data(id, HOLD, true),
    cancel(id),
  ]),
  streams(
    "made-you-reset with increments of 0",
    (id, block) => [headers(id, block, false), windowUpdate(id, 0)],
  ),
  streams(
    "made-you-reset with windows that overflow",
    (id, block) => [headers(id, block, false), windowUpdate(id, 0x7fff_ffff)],
  ),
  streams(
    "made-you-reset with data after END_STREAM",
    (id, block) => [headers(id, block, true), data(id, Uint8Array.of(1), true)],
  ),
  streams("made-you-reset with streams that depend on themselves", (id, block) => [
    headers(id, block, false),
    frame(Type.PRIORITY, 0, id, Uint8Array.of(0, id >> 16, id >> 8, id, 1)),
  ]),
  streams("malformed requests without end", (id) => [headers(id, literals(["x", "y"]), true)]),
  streams("streams above the limit without end", (id, block) => [headers(id, block, false)]),
  onConnection("a flood of CONTINUATION without content", CALM, async (attacker) => {
    await attacker.send(frame(Type.HEADERS, 0, 1, literals(CALL)));
    await sameFrames(attacker, frame(Type.CONTINUATION, 0, 1));
  }),
  onConnection("a flood of CONTINUATION with content", CALM, async (attacker) => {
    await attacker.send(frame(Type.HEADERS, 0, 1, literals(CALL)));
    const field = literals(["x-filler", "a".repeat(16_000)]);
    await attacker.flood(() => frame(Type.CONTINUATION, 0, 1, field), ROUNDS);
  }),
  onConnection("a flood of CONTINUATION octet by octet", CALM, async (attacker) => {
    await attacker.send(frame(Type.HEADERS, 0, 1, literals(CALL)));
    await sameFrames(attacker, frame(Type.CONTINUATION, 0, 1, Uint8Array.of(0x82)));
  }),
  onConnection("a flood of SETTINGS", CALM, (attacker) => sameFrames(attacker, settings())),
  onConnection(
    "a flood of settings within their frames",
    CALM,
    (attacker) => attacker.flood(() => MANY_SETTINGS, ROUNDS),
  ),
  onConnection(
    "a flood of SETTINGS acknowledgements",
    CALM,
    (attacker) => sameFrames(attacker, frame(Type.SETTINGS, Flag.ACK, 0)),
  ),
  onConnection(
    "a flood of PING",
    CALM,
    (attacker) => sameFrames(attacker, frame(Type.PING, 0, 0, new Uint8Array(8))),
  ),
  onConnection(
    "a flood of PING answers",
    CALM,
    (attacker) => sameFrames(attacker, frame(Type.PING, Flag.ACK, 0, new Uint8Array(8))),
  ),
  onConnection("a flood of empty DATA", CALM, async (attacker) => {
    await attacker.send(headers(1, literals(CALL), false));
    await sameFrames(attacker, data(1, new Uint8Array(0), false));
  }),
  onConnection("a flood of DATA that is all padding", CALM, async (attacker) => {
    await attacker.send(headers(1, literals(CALL), false));
    const padding = Uint8Array.of(200, ...new Uint8Array(200));
    await sameFrames(attacker, frame(Type.DATA, Flag.PADDED, 1, padding));
  }),
  onConnection(
    "a flood of PRIORITY",
    CALM,
    (attacker) => sameFrames(attacker, frame(Type.PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3, 1))),
  ),
  onConnection(
    "a flood of WINDOW_UPDATE",
    CALM,
    (attacker) => sameFrames(attacker, windowUpdate(0, 1)),
  ),
  onConnection(
    "a flood of unknown frames",
    CALM,
    (attacker) => sameFrames(attacker, frame(0x50, 0, 1)),
  ),
  onConnection("a flood of GOAWAY", CALM, async (attacker) => {
    // A call under way keeps the connection, which otherwise has nothing left to wait for.
    await attacker.send(headers(1, literals(CALL), false));
    await sameFrames(attacker, goAway(0));
  }),
  onConnection("a flood of RST_STREAM on a stream that is over", CALM, async (attacker) => {
    await attacker.send(headers(1, literals(CALL), false), cancel(1));
    await sameFrames(attacker, cancel(1));
  }),
  thousand(
    "requests for nothing, a thousand of them",
    "404",
    (id, block) => [headers(id, block, true)],
    CALL.map((value) => value.startsWith("/") ? "/nowhere" : value),
  ),
  onStream("calls with payloads of many entries", "200", async (attacker) => {
    for (let call = 0; call < CALLS_OF_ENTRIES; call++) {
      await attacker.send(entriesOf(1 + 2 * call));
    }
    await attacker.answered(CALLS_OF_ENTRIES);
  }),
  thousand("messages that are not any", "400", (id, block) => [
    headers(id, block, false),
    data(id, new Uint8Array(8), true),
  ]),
];

/** A call whose argument is a set of many numbers: as much as a stream's first window takes. */
function entriesOf(streamId: number): Uint8Array {
  const frames = [headers(streamId, literals(BINARY_CALL), false)];
  for (let at = 0; at < MANY_ENTRIES.length; at += FRAME_BYTES) {
    const end = at + FRAME_BYTES >= MANY_ENTRIES.length;
    frames.push(data(streamId, MANY_ENTRIES.subarray(at, at + FRAME_BYTES), end));
  }
  return join(...frames);
}

/** Opens streams without end. */
function streams(name: string, open: Opened): Attack {
  const rounds = new Rounds(open, CALL);
  return onConnection(name, CALM, (attacker) => attacker.flood((n) => rounds.at(n), ROUNDS));
}

/** Opens a thousand streams, which are answered. */
function thousand(
  name: string,
  answer: string,
  open: Opened,
  fields: readonly string[] = CALL,
): Attack {
  const rounds = new Rounds(open, fields);
  return onStream(name, answer, async (attacker) => {
    await attacker.flood((n) => rounds.at(n), THOUSAND);
    await attacker.answered(THOUSAND * ROUND);
  });
}

async function sameFrames(attacker: Attacker, bytes: Uint8Array): Promise<void> {
  const round = repeated(bytes, ROUND);
  await attacker.flood(() => round, ROUNDS);
}
