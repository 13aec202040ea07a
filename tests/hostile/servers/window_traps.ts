import { data, headers, join, literals, Setting, settings, windowUpdate } from "../frames.ts";
import { envelope, ITEMS, result } from "./response_frames.ts";
import { onConnection, onStream, type Trap } from "./trap.ts";

const FLOW = "FLOW_CONTROL_ERROR";
const CHUNK = new Uint8Array(16_384);
/** How many of them are more than the window of a stream may ever grow to, and fewer than it begins with. */
const BEYOND_WINDOW = 100;
const WITHIN_WINDOW = 15;
/** The beginning of an item that is never whole. */
const ENDLESS = envelope(0, new Uint8Array(0), 4_000_000);

/** Windows that are wrong, and data that no window has room for. */
export const windowTraps: readonly Trap[] = [
  onConnection(
    "a connection's window that overflows",
    `GOAWAY ${FLOW}`,
    (visitor) => visitor.send(windowUpdate(0, 0x7fff_ffff)),
  ),
  onStream(
    "a stream's window that overflows",
    "WorkerUnavailable",
    `RST_STREAM ${FLOW}`,
    (visitor, id) => visitor.send(windowUpdate(id, 0x7fff_ffff)),
  ),
  onConnection(
    "an initial window above 2^31-1",
    `GOAWAY ${FLOW}`,
    (visitor) => visitor.send(settings([Setting.INITIAL_WINDOW_SIZE, 0x8000_0000])),
  ),
  onConnection(
    "an initial window that lifts a stream's above 2^31-1",
    `GOAWAY ${FLOW}`,
    (visitor, id) =>
      visitor.send(
        windowUpdate(id, 0x7000_0000),
        settings([Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff]),
      ),
  ),
  onConnection(
    "a connection's increment of 0",
    "GOAWAY PROTOCOL_ERROR",
    (visitor) => visitor.send(windowUpdate(0, 0)),
  ),
  onStream(
    "a stream's increment of 0",
    "WorkerUnavailable",
    "RST_STREAM PROTOCOL_ERROR",
    (visitor, id) => visitor.send(windowUpdate(id, 0)),
  ),
  onStream(
    "items beyond a stream's window, which nobody reads",
    "WorkerUnavailable",
    `RST_STREAM ${FLOW}`,
    async (visitor, id) => {
      await visitor.send(
        headers(id, literals(ITEMS), false),
        data(id, join(envelope(0, result(1)), ENDLESS), false),
      );
      await visitor.flood(() => data(id, CHUNK, false), BEYOND_WINDOW);
    },
    { kind: "unread" },
  ),
  onStream(
    "items up to a stream's window, which nobody reads",
    "DeadlineExceeded",
    "RST_STREAM CANCEL",
    async (visitor, id) => {
      await visitor.send(
        headers(id, literals(ITEMS), false),
        data(id, join(envelope(0, result(1)), ENDLESS), false),
      );
      await visitor.flood(() => data(id, CHUNK, false), WITHIN_WINDOW);
    },
    { kind: "unread", timeoutMs: 5000 },
  ),
];
