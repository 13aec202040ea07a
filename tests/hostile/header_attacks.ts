import { type Attack, onConnection, onStream } from "./attack.ts";
import { CALL, callBody } from "./attacker.ts";
import { data, Flag, frame, headers, join, literals, remembered, Type } from "./frames.ts";

const PROTOCOL = "RST_STREAM PROTOCOL_ERROR";
const COMPRESSION = "GOAWAY COMPRESSION_ERROR";

/** Requests that RFC 9113 §8 calls malformed. */
const MALFORMED: Readonly<Record<string, readonly string[]>> = {
  "an upper-case name": [...CALL, "X-Upper", "1"],
  "a connection field": [...CALL, "connection", "close"],
  "a keep-alive field": [...CALL, "keep-alive", "timeout=5"],
  "a proxy-connection field": [...CALL, "proxy-connection", "keep-alive"],
  "transfer-encoding": [...CALL, "transfer-encoding", "chunked"],
  "an upgrade": [...CALL, "upgrade", "h2c"],
  "te other than trailers": [...CALL, "te", "trailers, gzip"],
  "a line feed in a value": [...CALL, "x", "a\nhost: b"],
  "a carriage return in a value": [...CALL, "x", "a\r"],
  "a NUL in a value": [...CALL, "x", "a\0"],
  "a request within a path": CALL.map((value) =>
    value.startsWith("/") ? "/ HTTP/1.1\r\nhost: b\r\n\r\nGET /" : value
  ),
  "white space around a value": [...CALL, "x", " a"],
  "a space in a name": [...CALL, "x y", "1"],
  "a colon in a name": [...CALL, "x:y", "1"],
  "a control character in a name": [...CALL, "x\x01", "1"],
  "a name that is not ASCII": [...CALL, "x\xe9", "1"],
  "an empty name": [...CALL, "", "1"],
  "a pseudo-header after a field": [...CALL.slice(0, 6), "x", "y", ...CALL.slice(6)],
  "an unknown pseudo-header": [":protocol", "websocket", ...CALL],
  "a response's pseudo-header": [":status", "200", ...CALL],
  "two methods": [":method", "POST", ...CALL],
  "two paths": [":path", "/", ...CALL],
  "two schemes": [":scheme", "https", ...CALL],
  "two authorities": [":authority", "worker.test", ...CALL],
  "no method": without(":method"),
  "no scheme": without(":scheme"),
  "no path": without(":path"),
  "an empty path": CALL.map((value) => value.startsWith("/") ? "" : value),
  "no pseudo-header at all": CALL.slice(8),
  "user information in the authority": CALL.map((v) => v === "worker.test" ? "a@worker.test" : v),
  "a host other than the authority": [...CALL, "host", "other.test"],
  "two content-lengths": [...CALL, "content-length", "1", "content-length", "2"],
  "a content-length with a sign": [...CALL, "content-length", "+1"],
  "a content-length beyond numbers": [...CALL, "content-length", "9".repeat(40)],
};

/** Trailers that lie. */
const TRAILERS: Readonly<Record<string, readonly string[]>> = {
  "a path": [":path", "/other"],
  "a status": [":status", "200"],
  "a content-length": ["content-length", "0"],
  "transfer-encoding": ["transfer-encoding", "chunked"],
  "an upper-case name": ["X", "y"],
  "another host": ["host", "other.test"],
};

/** Header blocks and what is in them. */
export const headerAttacks: readonly Attack[] = [
  ...Object.entries(MALFORMED).map(([what, fields]) =>
    onStream(
      `a request with ${what}`,
      PROTOCOL,
      (attacker) => attacker.send(headers(1, literals(fields), false)),
    )
  ),
  ...Object.entries(TRAILERS).map(([what, fields]) =>
    onStream(
      `trailers with ${what}`,
      PROTOCOL,
      (attacker) =>
        attacker.send(headers(1, literals(CALL), false), headers(1, literals(fields), true)),
    )
  ),
  onStream(
    "trailers that do not end their stream",
    PROTOCOL,
    (attacker) =>
      attacker.send(headers(1, literals(CALL), false), headers(1, literals(["x", "y"]), false)),
  ),
  onStream("more data than promised", PROTOCOL, (attacker) =>
    attacker.send(
      headers(1, literals([...CALL, "content-length", "3"]), false),
      data(1, new Uint8Array(4), false),
    )),
  onStream("less data than promised", PROTOCOL, (attacker) =>
    attacker.send(
      headers(1, literals([...CALL, "content-length", "3"]), false),
      data(1, new Uint8Array(2), true),
    )),
  onStream("trailers instead of the data promised", PROTOCOL, (attacker) =>
    attacker.send(
      headers(1, literals([...CALL, "content-length", "3"]), false),
      headers(1, literals(["x", "y"]), true),
    )),
  onStream("another routine in the header than in the body", "400", (attacker) =>
    attacker.send(
      headers(1, literals([...CALL, "selvage-routine", "hostile.echo"]), false),
      data(1, callBody("hostile.large", [1]), true),
    )),
  onStream("a header list over the limit", "431", (attacker) =>
    attacker.send(
      frame(Type.HEADERS, 0, 1, literals([...CALL, "x-large", "a".repeat(16_000)])),
      frame(
        Type.CONTINUATION,
        Flag.END_HEADERS,
        1,
        literals(["x-larger", "a".repeat(16_000)]),
      ),
    )),
  onConnection("a header bomb", "GOAWAY ENHANCE_YOUR_CALM", (attacker) => {
    const entry = headers(1, remembered([...CALL, "x-bomb", "a".repeat(1900)]), true);
    // An octet stands for the 1,938 of the entry.
    return attacker.send(entry, headers(3, new Uint8Array(15_000).fill(0xbe), true));
  }),
  onStream("a table thrash by entries", "400", async (attacker) => {
    // One after the other: what else it calls is to have its place.
    for (let n = 0; n < 500; n++) {
      const fields = Array.from({ length: 60 }, (_, at) => [`x-${n}-${at}`, "v".repeat(30)]);
      const block = join(literals(CALL), remembered(fields.flat()));
      await attacker.send(headers(1 + 2 * n, block, true));
      await attacker.answered(n + 1);
    }
  }),
  onConnection(
    "a table thrash by size updates",
    COMPRESSION,
    (attacker) => attacker.send(headers(1, new Uint8Array(5000).fill(0x20), true)),
  ),
  onConnection(
    "a table larger than allowed",
    COMPRESSION,
    (attacker) =>
      attacker.send(headers(1, join(Uint8Array.of(0x3f, 0xff, 0xff, 0x03), literals(CALL)), true)),
  ),
  onConnection(
    "an entry that is not in the table",
    COMPRESSION,
    (attacker) => attacker.send(headers(1, Uint8Array.of(0xff, 0x80, 0x01), true)),
  ),
  onConnection(
    "an integer without end",
    COMPRESSION,
    (attacker) => attacker.send(headers(1, new Uint8Array(100).fill(0xff), true)),
  ),
  onConnection(
    "a string longer than its block",
    COMPRESSION,
    (attacker) =>
      attacker.send(headers(1, Uint8Array.of(0x00, 0x7f, 0xff, 0xff, 0x03, 0x61), true)),
  ),
  onConnection(
    "Huffman padding of zeros",
    COMPRESSION,
    (attacker) => attacker.send(headers(1, Uint8Array.of(0x00, 0x81, 0x00, 0x01, 0x61), true)),
  ),
];

function without(name: string): readonly string[] {
  const at = CALL.indexOf(name);
  return CALL.toSpliced(at, 2);
}
