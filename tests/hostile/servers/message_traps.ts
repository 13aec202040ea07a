import { gzipSync } from "node:zlib";
import { data, headers, join, literals, text } from "../frames.ts";
import {
  ANSWER,
  answer,
  cborResult,
  END,
  envelope,
  field,
  ITEMS,
  jsonResult,
  result,
} from "./response_frames.ts";
import { onStream, type Trap } from "./trap.ts";
import { type Describe, inFrames, type Visitor } from "./visitor.ts";

const MIB = 1024 * 1024;
/** DATA of one write, and how many writes are more than any message may have. */
const CHUNK = new Uint8Array(16_384).fill(0x61);
const ENDLESS_CHUNKS = 20 * MIB / CHUNK.length;
/** More than a message may have, where every octet of it counts. */
const TEN_MIB = 10 * MIB;

/** Answers to a call whose HTTP/2 is as it should be. */
const answers: readonly Trap[] = [
  answered("what is no message", "InvalidPayload", [Uint8Array.of(255, 255, 255)]),
  answered("no message at all", "InvalidPayload", []),
  answered("a message that announces 4 GiB", "InvalidPayload", [
    Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x12),
  ]),
  answered("JSON that is torn", "InvalidPayload", [jsonResult('{"a":[1,2')]),
  answered("JSON that nests without end", "InvalidPayload", [jsonResult("[".repeat(100_000))]),
  answered("CBOR that nests without end", "InvalidPayload", [
    cborResult(new Uint8Array(100_000).fill(0x81)),
  ]),
  answered("CBOR with an array of 2^32 items", "InvalidPayload", [
    cborResult(Uint8Array.of(0x9a, 0xff, 0xff, 0xff, 0xff, 0x01)),
  ]),
  answered("CBOR with a string of 2^62 octets", "InvalidPayload", [
    cborResult(Uint8Array.of(0x7b, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x61)),
  ]),
  answered("CBOR with four million empty arrays", "InvalidPayload", [
    cborResult(join(Uint8Array.of(0x9a, 0, 0x3d, 0, 0), new Uint8Array(0x3d_0000).fill(0x80))),
  ]),
  answered("a success of another type", "RoutineError ConnectError", [text("hello")], {
    fields: [":status", "200", "content-type", "text/html"],
  }),
  answered("a proxy's error page", "WorkerUnavailable", [text("<h1>down</h1>")], {
    fields: [":status", "503", "content-type", "text/html"],
  }),
  answered("an error whose JSON is torn", "AuthorizationError", [text('{"code":"not_fou')], {
    fields: [":status", "403", "content-type", "application/json"],
  }),
  answered("an error with invalid details", "WorkerUnavailable", [
    text(JSON.stringify({
      code: "resource_exhausted",
      message: "\u001b[31m\0",
      details: [{ type: "selvage.v1.Failure", value: "////" }, { type: 1 }, null],
    })),
  ], { fields: [":status", "429", "content-type", "application/json"] }),
  onStream("an answer without end", "InvalidPayload", "RST_STREAM CANCEL", async (visitor, id) => {
    await visitor.send(headers(id, literals(ANSWER), false));
    await endless(visitor, id);
  }),
  onStream("an error without end", "InvalidPayload", "RST_STREAM CANCEL", async (visitor, id) => {
    const fields = [":status", "400", "content-type", "application/json"];
    await visitor.send(headers(id, literals(fields), false));
    await endless(visitor, id);
  }),
  answered("an error of ten mebibytes", "InvalidPayload", [
    text(JSON.stringify({ code: "internal", message: "x".repeat(TEN_MIB) })),
  ], {
    fields: [":status", "500", "content-type", "application/json"],
    answer: "RST_STREAM CANCEL",
  }),
];

/** Answers in items whose HTTP/2 is as it should be. */
const items: readonly Trap[] = [
  itemsOf("no end", "RoutineError ConnectError", [envelope(0, result(1))]),
  itemsOf("a torn end", "RoutineError ConnectError", [envelope(0, result(1), 100)]),
  itemsOf("two ends", "InvalidPayload", [END, END]),
  itemsOf("something after the end", "InvalidPayload", [END, envelope(0, result(1))]),
  itemsOf("an end that is no JSON", "InvalidPayload", [envelope(2, text("{"))]),
  itemsOf("an item that declares 4 GiB", "InvalidPayload", [envelope(0, result(1), 0xffff_ffff)]),
  itemsOf("an item that declares 5 MiB", "InvalidPayload", [envelope(0, CHUNK, 5 * MIB)]),
  itemsOf("an invalid item", "InvalidPayload", [
    envelope(0, Uint8Array.of(255, 255, 255)),
    END,
  ]),
  itemsOf("compression that was not announced", "RoutineError ConnectError", [
    envelope(1, gzipSync(result(1))),
    END,
  ]),
  // Streams are asked for without compression, and nothing is unpacked that was not asked for.
  itemsOf("ten thousand empty items", "result []", [
    ...Array.from({ length: 10_000 }, () => envelope(0, new Uint8Array(0))),
    END,
  ]),
];

/** What servers say of themselves, which is asked before anybody calls. */
const descriptions: readonly Trap[] = [
  describes("without end", async (visitor, id) => {
    await visitor.send(headers(id, literals(ANSWER), false));
    await endless(visitor, id);
  }),
  describes("of a hundred thousand tags", async (visitor, id, address) => {
    await visitor.send(headers(id, literals(ANSWER), false));
    // One of them is what it is called by.
    const tags = [text(address), ...Array<Uint8Array>(100_000).fill(text("x".repeat(20)))];
    await inFrames(visitor, id, join(...tags.map((tag) => field(4, tag))));
  }),
  describes("that is no message", async (visitor, id) => {
    await visitor.send(headers(id, literals(ANSWER), false));
    await visitor.send(data(id, Uint8Array.of(255, 255, 255), true));
  }),
];

/** What is wrong with the messages themselves. */
export const messageTraps: readonly Trap[] = [...answers, ...items, ...descriptions];

function answered(
  what: string,
  comesTo: string,
  body: readonly Uint8Array[],
  { fields = ANSWER, answer = "nothing" }: {
    readonly fields?: readonly string[];
    readonly answer?: string;
  } = {},
): Trap {
  return onStream(`an answer that is ${what}`, comesTo, answer, async (visitor, id) => {
    await visitor.send(headers(id, literals(fields), false));
    await inFrames(visitor, id, join(...body));
  });
}

function itemsOf(
  what: string,
  comesTo: string,
  body: readonly Uint8Array[],
  fields: readonly string[] = ITEMS,
): Trap {
  return onStream(`items with ${what}`, comesTo, "RST_STREAM CANCEL", async (visitor, id) => {
    await visitor.send(headers(id, literals(fields), false));
    await inFrames(visitor, id, join(...body));
  }, { kind: "items" });
}

/** A server that is called all the same, and answers. */
function describes(how: string, describe: Describe): Trap {
  return onStream(
    `a description ${how}`,
    "result 1",
    "nothing",
    (visitor, id) => visitor.send(answer(id, 1)),
    { describe },
  );
}

async function endless(visitor: Visitor, id: number): Promise<void> {
  for (let n = 0; n < ENDLESS_CHUNKS && !visitor.over; n++) {
    await visitor.send(data(id, CHUNK, false));
    await visitor.heard();
  }
}
