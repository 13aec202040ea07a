import { type Attack, onConnection, onStream } from "./attack.ts";
import { CALL, callBody, callFrames, STREAM } from "./attacker.ts";
import {
  data,
  headers,
  join,
  literals,
  Setting,
  settings,
  uint32,
  windowUpdate,
} from "./frames.ts";

const FLOW = "FLOW_CONTROL_ERROR";
const MIB = 1024 * 1024;
const OPEN = headers(1, literals(CALL), false);

/** Windows that are wrong, and windows that stay shut. */
export const windowAttacks: readonly Attack[] = [
  onConnection(
    "a connection's window that overflows",
    `GOAWAY ${FLOW}`,
    (a) => a.send(windowUpdate(0, 0x7fff_ffff)),
  ),
  onStream(
    "a stream's window that overflows",
    `RST_STREAM ${FLOW}`,
    (a) => a.send(OPEN, windowUpdate(1, 0x7fff_ffff)),
  ),
  onConnection(
    "an initial window above 2^31-1",
    `GOAWAY ${FLOW}`,
    (a) => a.send(settings([Setting.INITIAL_WINDOW_SIZE, 0x8000_0000])),
  ),
  onConnection(
    "an initial window that lifts a stream's above 2^31-1",
    `GOAWAY ${FLOW}`,
    (a) =>
      a.send(
        OPEN,
        windowUpdate(1, 0x7000_0000),
        settings([Setting.INITIAL_WINDOW_SIZE, 0x7fff_ffff]),
      ),
  ),
  onConnection(
    "a connection's increment of 0",
    "GOAWAY PROTOCOL_ERROR",
    (a) => a.send(windowUpdate(0, 0)),
  ),
  onStream(
    "a stream's increment of 0",
    "RST_STREAM PROTOCOL_ERROR",
    (a) => a.send(OPEN, windowUpdate(1, 0)),
  ),
  onStream("data beyond a stream's window", `RST_STREAM ${FLOW}`, (a) => {
    const fields = [...STREAM];
    const envelope = join(Uint8Array.of(0), uint32(4 * MIB - 1));
    return a.send(
      headers(1, literals(fields), false),
      data(1, envelope, false),
      // Nobody gives credit for what is not read: the next test holds windows shut instead.
      ...Array.from({ length: 300 }, () => data(1, new Uint8Array(16_384), false)),
    );
  }),
  onConnection(
    "a window of 0, and large answers asked for",
    "GOAWAY ENHANCE_YOUR_CALM",
    async (a) => {
      for (let id = 1; id < 129; id += 2) {
        await a.send(callFrames(id, "hostile.large", [MIB]));
      }
    },
    { settings: [[Setting.INITIAL_WINDOW_SIZE, 0]], slow: true },
  ),
  onConnection(
    "a window of 0, and streams without end asked for",
    "GOAWAY ENHANCE_YOUR_CALM",
    async (a) => {
      const body = callBody("hostile.endless", [300_000]);
      const message = join(Uint8Array.of(0), uint32(body.length), body);
      await a.flood(
        (n) => join(headers(1 + 2 * n, literals(STREAM), false), data(1 + 2 * n, message, true)),
        1000,
      );
    },
    { settings: [[Setting.INITIAL_WINDOW_SIZE, 0]], slow: true },
  ),
];
