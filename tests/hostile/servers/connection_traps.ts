import { CODES, Flag, frame, goAway, join, settings, text, Type, uint32 } from "../frames.ts";
import { atOnce, GONE, type Trap } from "./trap.ts";
import type { Visitor } from "./visitor.ts";

const MISMATCH = "HandshakeError protocol-mismatch";
const ABORTED = "HandshakeError handshake-aborted";

/** Connections that are invalid, or over. */
export const connectionTraps: readonly Trap[] = [
  speaks(
    "another protocol's answer",
    text("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
  ),
  speaks("noise", new Uint8Array(1000).fill(0xa5)),
  speaks("a beginning without SETTINGS", frame(Type.PING, Flag.ACK, 0, new Uint8Array(8))),
  speaks("an acknowledgement for a beginning", frame(Type.SETTINGS, Flag.ACK, 0)),
  atOnce("a connection that is closed at once", ABORTED, GONE, (visitor) => {
    visitor[Symbol.dispose]();
    return Promise.resolve();
  }),
  atOnce("a connection that is half-closed at once", ABORTED, GONE, (visitor) => visitor.end()),
  atOnce(
    "GOAWAY for a beginning",
    "WorkerUnavailable not begun",
    GONE,
    (visitor) => visitor.send(settings(), goAway(0)),
    { manners: "pings" },
  ),
  refuses("in words that nobody knows", '{"refused":"because\\u0000"}'),
  refuses("in sixteen thousand octets", "x".repeat(16_000)),
];

function speaks(name: string, bytes: Uint8Array): Trap {
  return atOnce(name, MISMATCH, GONE, (visitor: Visitor) => visitor.send(bytes));
}

/** A client that has shown no certificate gets no reason about one. */
function refuses(how: string, words: string): Trap {
  const payload = join(uint32(0), uint32(CODES.indexOf("INADEQUATE_SECURITY")), text(words));
  const frames = [settings(), frame(Type.GOAWAY, 0, 0, payload)];
  return {
    ...atOnce(
      `a refusal ${how}`,
      "HandshakeError client-certificate-refused",
      GONE,
      (visitor) => visitor.send(...frames),
      { manners: "pings" },
    ),
    inPlaintext: MISMATCH,
  };
}
