import {
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
  uint32,
  windowUpdate,
} from "../frames.ts";
import { ANSWER, answer, envelope, ITEMS, result } from "./response_frames.ts";
import { onConnection, type Trap } from "./trap.ts";
import type { Visitor } from "./visitor.ts";

const CALM = "GOAWAY ENHANCE_YOUR_CALM";
/** Frames of one write, and how many writes a server is good for. */
const ROUND = 500;
const ROUNDS = 200;

/** Fewer than the window of a stream has room for. */
const OCTETS = 200_000;

/** Many of what one of costs nothing. */
export const floodTraps: readonly Trap[] = [
  flood("SETTINGS", () => settings()),
  onConnection("a flood of settings within their frames", CALM, async (visitor) => {
    const windows = Array.from(
      { length: 2700 },
      (_, at) => [Setting.INITIAL_WINDOW_SIZE, at] as const,
    );
    const round = settings(...windows);
    await visitor.flood(() => round, ROUNDS);
  }),
  flood("SETTINGS acknowledgements", () => frame(Type.SETTINGS, Flag.ACK, 0)),
  flood("PING", () => frame(Type.PING, 0, 0, new Uint8Array(8))),
  flood("PING answers", () => frame(Type.PING, Flag.ACK, 0, new Uint8Array(8))),
  flood("PRIORITY", () => frame(Type.PRIORITY, 0, 1, Uint8Array.of(0, 0, 0, 3, 1))),
  flood("WINDOW_UPDATE on the connection", () => windowUpdate(0, 1)),
  flood("WINDOW_UPDATE on the stream", (id) => windowUpdate(id, 1)),
  flood("GOAWAY", (id) => goAway(id)),
  flood("unknown frames", () => frame(0x50, 0, 1)),
  flood("unknown frames on the stream", (id) => frame(0x50, 0, id, new Uint8Array(16))),
  flood("informational responses", (id) => headers(id, literals([":status", "103"]), false)),
  after("empty DATA", (id) => data(id, new Uint8Array(0), false)),
  after(
    "DATA that is all padding",
    (id) => frame(Type.DATA, Flag.PADDED, id, Uint8Array.of(200, ...new Uint8Array(200))),
  ),
  onConnection("a flood of empty DATA among items", CALM, async (visitor, id) => {
    await visitor.send(headers(id, literals(ITEMS), false));
    await sameFrames(visitor, data(id, new Uint8Array(0), false));
  }, { kind: "items" }),
  onConnection("a flood of single octets, which nobody reads", CALM, async (visitor, id) => {
    const item = join(envelope(0, result(1)), envelope(0, new Uint8Array(0), 4_000_000));
    await visitor.send(headers(id, literals(ITEMS), false), data(id, item, false));
    const octets = repeated(data(id, Uint8Array.of(1), false), ROUND);
    // The stream's window has room for more of them than may lie about.
    await visitor.flood(() => octets, OCTETS / ROUND);
  }, { kind: "unread" }),
  onConnection("a flood of RST_STREAM on a stream that is over", CALM, async (visitor, id) => {
    await visitor.send(answer(id, 1));
    await sameFrames(visitor, frame(Type.RST_STREAM, 0, id, uint32(8)));
  }, { comesTo: "result 1" }),
  onConnection("a flood of header blocks on a stream that was reset", CALM, async (visitor, id) => {
    const block = literals(ANSWER);
    await visitor.send(frame(Type.RST_STREAM, 0, id, uint32(8)));
    await sameFrames(visitor, headers(id, block, false));
  }),
  onConnection("a flood of CONTINUATION without content", CALM, async (visitor, id) => {
    await visitor.send(frame(Type.HEADERS, 0, id, literals(ANSWER)));
    await sameFrames(visitor, frame(Type.CONTINUATION, 0, id));
  }),
  onConnection("a flood of CONTINUATION with content", CALM, async (visitor, id) => {
    await visitor.send(frame(Type.HEADERS, 0, id, literals(ANSWER)));
    const filler = literals(["x-filler", "a".repeat(16_000)]);
    await visitor.flood(() => frame(Type.CONTINUATION, 0, id, filler), ROUNDS);
  }),
  onConnection("a flood of CONTINUATION octet by octet", CALM, async (visitor, id) => {
    await visitor.send(frame(Type.HEADERS, 0, id, literals(ANSWER)));
    await sameFrames(visitor, frame(Type.CONTINUATION, 0, id, Uint8Array.of(0x88)));
  }),
  onConnection("windows of one octet at a time", CALM, async (visitor, id) => {
    await visitor.flood(
      () => repeated(join(windowUpdate(id, 1), windowUpdate(0, 1)), ROUND),
      ROUNDS,
    );
  }, { kind: "large", settings: [[Setting.INITIAL_WINDOW_SIZE, 0]] }),
];

function flood(what: string, one: (streamId: number) => Uint8Array): Trap {
  return onConnection(
    `a flood of ${what}`,
    CALM,
    (visitor, id) => sameFrames(visitor, one(id)),
  );
}

/** A flood that follows the header section of an answer. */
function after(what: string, one: (streamId: number) => Uint8Array): Trap {
  return onConnection(`a flood of ${what}`, CALM, async (visitor, id) => {
    await visitor.send(headers(id, literals(ANSWER), false));
    await sameFrames(visitor, one(id));
  });
}

async function sameFrames(visitor: Visitor, bytes: Uint8Array): Promise<void> {
  const round = repeated(bytes, ROUND);
  await visitor.flood(() => round, ROUNDS);
}
