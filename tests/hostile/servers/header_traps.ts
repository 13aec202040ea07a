import { data, Flag, frame, headers, join, literals, remembered, Type } from "../frames.ts";
import { ANSWER, answer, result } from "./response_frames.ts";
import { onConnection, onStream, type Trap } from "./trap.ts";

const PROTOCOL = "RST_STREAM PROTOCOL_ERROR";
const COMPRESSION = "GOAWAY COMPRESSION_ERROR";
const BROKEN = "WorkerUnavailable";

/** Responses that RFC 9113 §8 calls malformed. */
const MALFORMED: Readonly<Record<string, readonly string[]>> = {
  "no status": ["content-type", "application/proto"],
  "nothing at all": [],
  "two statuses": [":status", "200", ...ANSWER],
  "an empty status": ANSWER.with(1, ""),
  "a status of two digits": ANSWER.with(1, "99"),
  "a status of four digits": ANSWER.with(1, "2000"),
  "a status that is no number": ANSWER.with(1, "2e2"),
  "a switch of protocols": [":status", "101"],
  "a request's pseudo-header": [":path", "/", ...ANSWER],
  "an unknown pseudo-header": [":secret", "1", ...ANSWER],
  "a pseudo-header after a field": ["x", "y", ...ANSWER],
  "an upper-case name": [...ANSWER, "X-Upper", "1"],
  "a connection field": [...ANSWER, "connection", "close"],
  "a keep-alive field": [...ANSWER, "keep-alive", "timeout=5"],
  "a proxy-connection field": [...ANSWER, "proxy-connection", "keep-alive"],
  "transfer-encoding": [...ANSWER, "transfer-encoding", "chunked"],
  "an upgrade": [...ANSWER, "upgrade", "h2c"],
  "a line feed in a value": [...ANSWER, "x", "a\nset-cookie: b"],
  "a carriage return in a value": [...ANSWER, "x", "a\r"],
  "a NUL in a value": [...ANSWER, "x", "a\0"],
  "a response within a status": ANSWER.with(1, "200\r\n\r\nHTTP/1.1 200"),
  "white space around a value": [...ANSWER, "x", " a"],
  "a space in a name": [...ANSWER, "x y", "1"],
  "a colon in a name": [...ANSWER, "x:y", "1"],
  "a control character in a name": [...ANSWER, "x\x01", "1"],
  "a name that is not ASCII": [...ANSWER, "x\xe9", "1"],
  "an empty name": [...ANSWER, "", "1"],
  "two content-lengths": [...ANSWER, "content-length", "1", "content-length", "2"],
  "a content-length with a sign": [...ANSWER, "content-length", "+1"],
  "a content-length beyond numbers": [...ANSWER, "content-length", "9".repeat(40)],
};

/** Trailers that lie. */
const TRAILERS: Readonly<Record<string, readonly string[]>> = {
  "a status": [":status", "200"],
  "a path": [":path", "/"],
  "a connection field": ["connection", "close"],
  "transfer-encoding": ["transfer-encoding", "chunked"],
  "a content-length": ["content-length", "0"],
  "an upper-case name": ["X", "y"],
  "a NUL in a value": ["x", "\0"],
};

const OPEN = literals(ANSWER);

/** Header blocks and what is in them. */
export const headerTraps: readonly Trap[] = [
  ...Object.entries(MALFORMED).map(([what, fields]) =>
    malformed(`a response with ${what}`, (id) => [headers(id, literals(fields), false)])
  ),
  ...Object.entries(TRAILERS).map(([what, fields]) =>
    malformed(`trailers with ${what}`, (id) => [
      headers(id, OPEN, false),
      data(id, result(1), false),
      headers(id, literals(fields), true),
    ])
  ),
  malformed("trailers that do not end their stream", (id) => [
    headers(id, OPEN, false),
    headers(id, literals(["x", "y"]), false),
  ]),
  malformed("a final informational response", (id) => [
    headers(id, literals([":status", "103"]), true),
  ]),
  malformed("data before any header", (id) => [data(id, result(1), true)]),
  malformed("data after an informational response", (id) => [
    headers(id, literals([":status", "103"]), false),
    data(id, result(1), true),
  ]),
  malformed("more data than promised", (id) => [
    headers(id, literals([...ANSWER, "content-length", "3"]), false),
    data(id, new Uint8Array(4), false),
  ]),
  malformed("less data than promised", (id) => [
    headers(id, literals([...ANSWER, "content-length", "30"]), false),
    data(id, result(1), true),
  ]),
  malformed("a promise of data without any", (id) => [
    headers(id, literals([...ANSWER, "content-length", "3"]), true),
  ]),
  malformed("trailers instead of the data promised", (id) => [
    headers(id, literals([...ANSWER, "content-length", "3"]), false),
    headers(id, literals(["x", "y"]), true),
  ]),
  malformed("trailers over the limit", (id) => [
    headers(id, OPEN, false),
    ...oversized(id, []),
  ]),
  onStream(
    "a header list over the limit",
    BROKEN,
    "RST_STREAM ENHANCE_YOUR_CALM",
    (visitor, id) => visitor.send(...oversized(id, ANSWER)),
  ),
  onConnection("a header bomb", "GOAWAY ENHANCE_YOUR_CALM", (visitor, id) => {
    const entry = join(literals(ANSWER), remembered(["x-bomb", "a".repeat(3000)]));
    // An octet stands for the 3,038 of the entry.
    return visitor.send(headers(id, join(entry, new Uint8Array(10_000).fill(0xbe)), true));
  }),
  onStream("a table thrash by entries", "result 1", "nothing", async (visitor, id) => {
    for (let n = 0; n < 500; n++) {
      const fields = Array.from({ length: 60 }, (_, at) => [`x-${n}-${at}`, "v".repeat(30)]);
      const block = join(literals([":status", "103"]), remembered(fields.flat()));
      await visitor.send(headers(id, block, false));
    }
    await visitor.send(answer(id, 1));
  }),
  onConnection(
    "a table thrash by size updates",
    COMPRESSION,
    (visitor, id) => visitor.send(headers(id, new Uint8Array(5000).fill(0x20), true)),
  ),
  onConnection(
    "a table larger than allowed",
    COMPRESSION,
    (visitor, id) =>
      visitor.send(headers(id, join(Uint8Array.of(0x3f, 0xff, 0xff, 0x03), OPEN), true)),
  ),
  onConnection(
    "an entry that is not in the table",
    COMPRESSION,
    (visitor, id) => visitor.send(headers(id, Uint8Array.of(0xff, 0x80, 0x01), true)),
  ),
  onConnection(
    "an integer without end",
    COMPRESSION,
    (visitor, id) => visitor.send(headers(id, new Uint8Array(100).fill(0xff), true)),
  ),
  onConnection(
    "a string longer than its block",
    COMPRESSION,
    (visitor, id) =>
      visitor.send(headers(id, Uint8Array.of(0x00, 0x7f, 0xff, 0xff, 0x03, 0x61), true)),
  ),
  onConnection(
    "Huffman padding of zeros",
    COMPRESSION,
    (visitor, id) => visitor.send(headers(id, Uint8Array.of(0x00, 0x81, 0x00, 0x01, 0x61), true)),
  ),
];

function malformed(name: string, respond: (streamId: number) => readonly Uint8Array[]): Trap {
  return onStream(name, BROKEN, PROTOCOL, (visitor, id) => visitor.send(...respond(id)));
}

/** A section of more octets than anybody takes, which ends its stream. */
function oversized(streamId: number, fields: readonly string[]): readonly Uint8Array[] {
  return [
    frame(
      Type.HEADERS,
      Flag.END_STREAM,
      streamId,
      literals([...fields, "x-large", "a".repeat(16_000)]),
    ),
    frame(Type.CONTINUATION, Flag.END_HEADERS, streamId, literals(["x", "a".repeat(16_000)])),
  ];
}
