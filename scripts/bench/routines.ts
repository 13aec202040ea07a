import { routine } from "../../src/contract/mod.ts";

/** The smallest call there is. */
export const add = routine("bench.add", (a: number, b: number) => a + b);
