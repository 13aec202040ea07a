/** A routine that keeps its thread. */
import { routine } from "../../src/contract/mod.ts";

/** Keeps its thread until its process is ended, as one that computes does, and takes no processor time for it. */
export const hold = routine("pool.hold", { run: "thread" }, (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
