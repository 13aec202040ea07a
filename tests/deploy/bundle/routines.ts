/** Routines that are bundled. */
import { routine } from "@selvage/runtime/routine";

export const square = routine("bundled.square", (n: number) => n * n);
export const cube = routine("bundled.cube", { run: "thread" }, (n: number) => n ** 3);
