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
  recalled,
  remembered,
  repeated,
  Setting,
  settings,
  Type,
  windowUpdate,
} from "./frames.ts";

const CALM = "GOAWAY ENHANCE_YOUR_CALM";
const FIELDS = CALL.length / 2;
/** Frames or streams of one write, and how many writes an attacker is good for. */
const ROUND = 500;
const ROUNDS = 200;

/** Many of what one of costs nothing. */
export const floods: readonly Attack[] = [
  onConnection(
    "rapid reset",
    CALM,
    (attacker) => streams(attacker, (id, block) => [headers(id, block, false), cancel(id)]),
  ),
  onConnection(
    "rapid reset of calls that have begun",
    CALM,
    (attacker) =>
      streams(attacker, (id, block) => [
        headers(id, block, false),
        data(id, callBody("hostile.hold", []), true),
        cancel(id),
      ]),
  ),
  onConnection(
    "made-you-reset with increments of 0",
    CALM,
    (attacker) =>
      streams(attacker, (id, block) => [headers(id, block, false), windowUpdate(id, 0)]),
  ),
  onConnection(
    "made-you-reset with windows that overflow",
    CALM,
    (attacker) =>
      streams(attacker, (id, block) => [headers(id, block, false), windowUpdate(id, 0x7fff_ffff)]),
  ),
  onConnection(
    "made-you-reset with data after END_STREAM",
    CALM,
    (attacker) =>
      streams(attacker, (id, block) => [
        headers(id, block, true),
        data(id, Uint8Array.of(1), true),
      ]),
  ),
  onConnection(
    "made-you-reset with streams that depend on themselves",
    CALM,
    (attacker) =>
      streams(attacker, (id, block) => [
        headers(id, block, false),
        frame(Type.PRIORITY, 0, id, Uint8Array.of(0, id >> 16, id >> 8, id, 1)),
      ]),
  ),
  onConnection(
    "malformed requests without end",
    CALM,
    (attacker) => streams(attacker, (id) => [headers(id, literals(["x", "y"]), true)]),
  ),
  onConnection(
    "streams above the limit without end",
    CALM,
    (attacker) => streams(attacker, (id, block) => [headers(id, block, false)]),
  ),
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
  onConnection("a flood of settings within their frames", CALM, (attacker) => {
    const windows = Array.from(
      { length: 2700 },
      (_, at) => [Setting.INITIAL_WINDOW_SIZE, at] as const,
    );
    return attacker.flood(() => settings(...windows), ROUNDS);
  }),
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
  onStream("requests for nothing, a thousand of them", "404", async (attacker) => {
    const nowhere = CALL.map((value) => value.startsWith("/") ? "/nowhere" : value);
    await attacker.send(headers(1, remembered(nowhere), true));
    await streams(attacker, (id) => [headers(id + 2, recalled(FIELDS), true)], 2);
    await attacker.answered(1001);
  }),
  onStream("messages that are not any", "400", async (attacker) => {
    await attacker.send(headers(1, remembered(CALL), false), data(1, new Uint8Array(8), true));
    await streams(attacker, (id) => [
      headers(id + 2, recalled(FIELDS), false),
      data(id + 2, new Uint8Array(8), true),
    ], 2);
    await attacker.answered(1001);
  }),
];

/** Opens streams without end, the fields of a call in the table, so that a stream costs few octets. */
async function streams(
  attacker: Attacker,
  open: (id: number, block: Uint8Array) => readonly Uint8Array[],
  rounds = ROUNDS,
): Promise<void> {
  const all = recalled(FIELDS);
  await attacker.flood((n) => {
    const frames: Uint8Array[] = [];
    for (let at = 0; at < ROUND; at++) {
      const id = 1 + 2 * (n * ROUND + at);
      frames.push(...open(id, id === 1 ? remembered(CALL) : all));
    }
    return join(...frames);
  }, rounds);
}

async function sameFrames(attacker: Attacker, bytes: Uint8Array): Promise<void> {
  const round = repeated(bytes, ROUND);
  await attacker.flood(() => round, ROUNDS);
}
