import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { type Held, heldHere } from "./held.ts";

/** What a worker holds. */
export interface WorkerHeld extends Held {
  /** Calls and streams of the routines here that have begun and not ended. */
  readonly active: number;
}

let active = 0;

export const echo = routine("soak.echo", (bytes: Uint8Array) => bytes);

export const count = routine("soak.count", async function* (limit: number) {
  active += 1;
  try {
    for (let n = 0; n < limit; n++) {
      yield n;
      await Promise.resolve();
    }
  } finally {
    active -= 1;
  }
});

export const double = duplexRoutine("soak.double", async function* (input: AsyncIterable<number>) {
  active += 1;
  try {
    for await (const n of input) yield 2 * n;
  } finally {
    active -= 1;
  }
});

export const fail = routine("soak.fail", (message: string): number => {
  throw new RangeError(message);
});

/** Goes on until it is asked to stop, and fails with why. */
export const wait = routine("soak.wait", () => {
  const { signal } = currentCall();
  active += 1;
  return new Promise<void>((_resolve, reject) => {
    const stop = () => {
      active -= 1;
      reject(signal.reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
});

export const held = routine("soak.held", async (): Promise<WorkerHeld> => ({
  ...await heldHere(),
  active,
}));
