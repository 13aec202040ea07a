import { data, frame, headers, literals, Setting, settings, Type } from "../frames.ts";
import { ANSWER, answer, envelope, ITEMS, result } from "./response_frames.ts";
import { atOnce, onConnection, onStream, type Trap, type TrapOptions } from "./trap.ts";
import type { Visitor } from "./visitor.ts";

/** The time of a call that is never answered, in milliseconds: it has begun by then, also on a busy machine. */
const SOON: TrapOptions = { timeoutMs: 6000, slow: true };
/** How many octets come one by one. */
const OCTETS = 100;
const OPEN = literals(ANSWER);

/** Servers that take their time. */
export const slowTraps: readonly Trap[] = [
  atOnce("silence", "HandshakeError handshake-timeout", "closed", () => Promise.resolve(), {
    slow: true,
    beneathTls: true,
    inPlaintext: "none",
  }),
  atOnce(
    "half a TLS answer",
    "HandshakeError handshake-timeout",
    "closed",
    (visitor) => visitor.send(Uint8Array.of(0x16, 3, 3, 1, 0, 2)),
    { slow: true, beneathTls: true, inPlaintext: "none" },
  ),
  unbegun("SETTINGS that do not come", () => Promise.resolve()),
  unbegun(
    "SETTINGS that stop half-way",
    (visitor) => visitor.send(settings([Setting.MAX_FRAME_SIZE, 16_384]).subarray(0, 12)),
  ),
  unbegun("no sign of life", (visitor) => visitor.send(settings())),
  onConnection(
    "SETTINGS that are not acknowledged",
    "GOAWAY SETTINGS_TIMEOUT",
    () => Promise.resolve(),
    { slow: true, manners: "pings" },
  ),
  onConnection(
    "a header block that is not continued",
    "GOAWAY ENHANCE_YOUR_CALM",
    (visitor, id) => visitor.send(frame(Type.HEADERS, 0, id, OPEN)),
    { slow: true },
  ),
  onConnection(
    "a header frame that stops half-way",
    "GOAWAY ENHANCE_YOUR_CALM",
    (visitor, id) => visitor.send(headers(id, OPEN, true).subarray(0, 30)),
    { slow: true },
  ),
  onConnection("an answer that stops within a frame", "closed", async (visitor, id) => {
    // Answers to PINGs are lost in what the frame still wants.
    const frame = data(id, new Uint8Array(16_000), true);
    await visitor.send(headers(id, OPEN, false), frame.subarray(0, 100));
  }, { slow: true }),
  never("no answer", () => Promise.resolve()),
  never("an answer without a body", (visitor, id) => visitor.send(headers(id, OPEN, false))),
  never(
    "an answer that stops between frames",
    (visitor, id) =>
      visitor.send(headers(id, OPEN, false), data(id, result(1).subarray(0, 3), false)),
  ),
  never(
    "items that do not come",
    (visitor, id) => visitor.send(headers(id, literals(ITEMS), false)),
    { kind: "items" },
  ),
  never("an item that stops half-way", (visitor, id) =>
    visitor.send(
      headers(id, literals(ITEMS), false),
      data(id, envelope(0, result(1), 1_000_000), false),
    ), { kind: "items" }),
  never("an answer octet by octet", async (visitor, id) => {
    await visitor.send(headers(id, literals([...ANSWER, "content-length", "1000000"]), false));
    // As fast as the dispatcher says that it has read the one before; without end they would be a flood.
    for (let octets = 0; octets < OCTETS && !visitor.hasEnded(id); octets++) {
      await visitor.send(data(id, Uint8Array.of(0x0a), false));
      await visitor.heard();
    }
  }),
  never("a window of 0 for ever", () => Promise.resolve(), {
    kind: "large",
    settings: [[Setting.INITIAL_WINDOW_SIZE, 0]],
    survived: false,
  }),
  onStream(
    "a description that does not come",
    "result 1",
    "nothing",
    (visitor, id) => visitor.send(answer(id, 1)),
    { slow: true, describe: () => Promise.resolve() },
  ),
  leftAlone("no room for any stream", "DeadlineExceeded", [Setting.MAX_CONCURRENT_STREAMS, 0]),
  leftAlone("no room for any header", "InvalidPayload", [
    Setting.MAX_HEADER_LIST_SIZE,
    1,
  ]),
];

/** A server that does not begin HTTP/2 in time. */
function unbegun(name: string, spring: (visitor: Visitor) => Promise<void>): Trap {
  const late = "HandshakeError handshake-timeout";
  // Nor does it answer what it is asked in the first bytes.
  const describe = () => Promise.resolve();
  const options = { slow: true, manners: "none", describe } as const;
  return atOnce(name, late, "GOAWAY SETTINGS_TIMEOUT", spring, options);
}

/** A call that ends when its time is over, and its connection serves the next. */
function never(
  name: string,
  spring: (visitor: Visitor, streamId: number) => Promise<void>,
  options: TrapOptions = {},
): Trap {
  return onStream(name, "DeadlineExceeded", "RST_STREAM CANCEL", spring, { ...SOON, ...options });
}

/** A server that never gets a call. */
function leftAlone(name: string, comesTo: string, setting: readonly [number, number]): Trap {
  const greet = (visitor: Visitor) => visitor.greet(setting);
  return atOnce(name, comesTo, "GOAWAY NO_ERROR", greet, { ...SOON, lasts: true });
}
