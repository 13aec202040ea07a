/** A routine that calls another worker's. */
import { type Routine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

const add: Routine<(a: number, b?: number) => number> = routine("cli.add");

/** Not exported: the contract of another worker is not this one's to serve. */
export const forward = routine(
  "cli.forward",
  (n: number) => currentCall().dispatcher.call(add, [n]),
);
