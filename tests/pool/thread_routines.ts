/** Routines that the tests of pools run in threads of spawned workers. */
import { routine } from "../../src/contract/mod.ts";

export const square = routine("pool.square", { run: "thread" }, (n: number) => n * n);
