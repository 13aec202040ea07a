import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { Digester } from "./digester.ts";

/** What a worker found in a file, and the process that did the work. */
export interface Digest {
  readonly sha256: string;
  readonly lines: number;
  readonly words: number;
  readonly process: number;
}

/** Digests a file that fits into one message. */
export const digest = routine("demo.digest", (bytes: Uint8Array): Digest => {
  const digester = new Digester();
  digester.update(bytes);
  return { ...digester.finish(), process: Deno.pid };
});

/** Digests a file of any size that is sent in chunks. */
export const digestStream = duplexRoutine(
  "demo.digest-stream",
  async function* (chunks: AsyncIterable<Uint8Array>) {
    const digester = new Digester();
    for await (const chunk of chunks) digester.update(chunk);
    yield { ...digester.finish(), process: Deno.pid };
  },
);
