import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { headers, join, literals } from "../frames.ts";
import { ANSWER, END, envelope, ITEMS, result } from "./response_frames.ts";
import { GONE, onStream, type Trap } from "./trap.ts";
import { inFrames } from "./visitor.ts";

/** Zeros that compress to next to nothing. */
const ZEROS = new Uint8Array(100 * 1024 * 1024);
/** The best that there is takes minutes. */
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

const BOMBS: Readonly<Record<string, Uint8Array>> = {
  gzip: gzipSync(ZEROS),
  br: brotliCompressSync(ZEROS, FAST),
  zstd: zstdCompressSync(ZEROS),
  deflate: deflateSync(ZEROS),
};

/** Small messages that turn out to be large, and others that cannot be made larger. */
export const bombTraps: readonly Trap[] = [
  ...Object.entries(BOMBS).flatMap(([encoding, bomb]) => [
    // Only clients of services ask for compression: what a routine's caller is sent is never undone.
    bombed(`a client with a bomb in ${encoding}`, "ConnectError ResourceExhausted", {
      encoding,
      body: bomb,
      kind: "service",
    }),
    bombed(`a caller with a bomb in ${encoding}`, "RoutineError ConnectError", {
      encoding,
      body: bomb,
      kind: "call",
    }),
  ]),
  bombed("a client with torn gzip", "ConnectError InvalidArgument", {
    encoding: "gzip",
    body: gzipSync(result("x".repeat(10_000))).subarray(0, 30),
    kind: "service",
  }),
  bombed("a client with a compression that there is not", "ConnectError Internal", {
    encoding: "zip",
    body: result(1),
    kind: "service",
  }),
  ...[1, 3].map((flags) =>
    onStream(
      `items of which ${flags === 1 ? "one" : "the end"} is a bomb in gzip`,
      "RoutineError ConnectError",
      "RST_STREAM CANCEL",
      async (visitor, id) => {
        const fields = [...ITEMS, "connect-content-encoding", "gzip"];
        await visitor.send(headers(id, literals(fields), false));
        await inFrames(visitor, id, join(envelope(flags, BOMBS["gzip"]!), END));
      },
      { kind: "items" },
    )
  ),
];

function bombed(
  whom: string,
  comesTo: string,
  { encoding, body, kind }: {
    readonly encoding: string;
    readonly body: Uint8Array;
    readonly kind: "call" | "service";
  },
): Trap {
  // A client that has a dispatcher of its own leaves with it.
  const answer = kind === "service" ? GONE : "nothing";
  return onStream(`answers ${whom}`, comesTo, answer, async (visitor, id) => {
    const fields = [...ANSWER, "content-encoding", encoding];
    await visitor.send(headers(id, literals(fields), false));
    await inFrames(visitor, id, body);
  }, { kind, survived: kind === "call" });
}
