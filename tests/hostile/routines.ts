import process from "node:process";
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

/** What a worker holds and has used. */
export interface Held {
  /** Heap and external memory in use after a collection, in bytes. */
  readonly bytes: number;
  /** Processor time used up to now, in milliseconds. */
  readonly cpuMs: number;
  /** Open files, sockets among them. */
  readonly files: number;
  /** Calls of `hold` that are under way. */
  readonly holding: number;
}

let holding = 0;

export const echo = routine("hostile.echo", (value: unknown) => value);

/** A result of that many bytes. */
export const large = routine("hostile.large", (bytes: number) => "x".repeat(bytes));

/** Items for ever. */
export const endless = routine("hostile.endless", async function* (bytes: number) {
  for (;;) {
    yield "x".repeat(bytes);
    await Promise.resolve();
  }
});

/** Goes on until it is asked to stop. */
export const hold = routine("hostile.hold", () => {
  const { signal } = currentCall();
  holding += 1;
  return new Promise<boolean>((resolve) => {
    const stop = () => {
      holding -= 1;
      resolve(true);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
});

/** Sends back what it gets. */
export const echoes = duplexRoutine("hostile.echoes", async function* (
  input: AsyncIterable<unknown>,
) {
  yield* input;
});

/** What this process holds, after a forced collection. */
export const held = routine("hostile.held", async (): Promise<Held> => {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("the worker was not started with --expose-gc");
  gc();
  // What the first one found to be finalized is gone after the next.
  await new Promise((resolve) => setTimeout(resolve));
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  const { user, system } = process.cpuUsage();
  const files = [...Deno.readDirSync("/proc/self/fd")].length;
  return { bytes: heapUsed + external, cpuMs: (user + system) / 1000, files, holding };
});
