/** Routines that are bundled. */
import { routine } from "@selvage/runtime/routine";

export const square = routine("bundled.square", (n: number) => n * n);
export const cube = routine("bundled.cube", { run: "thread" }, (n: number) => n ** 3);
export const root = routine("bundled.root", (n: number) => new Roots(n).square());
export const block = routine("bundled.block", (ms: number) => {
  for (const end = Date.now() + ms; Date.now() < end;);
});

class Roots {
  readonly #of: number;

  constructor(of: number) {
    this.#of = of;
  }

  square(): number {
    return Math.sqrt(positive(this.#of));
  }
}

function positive(n: number): number {
  if (n < 0) throw new RangeError(`${n} is negative`);
  return n;
}
