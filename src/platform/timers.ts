/** Lets the process end although this timer of `setTimeout` is still to fire. */
export function letProcessEnd(timer: unknown): void {
  if (typeof timer === "number") Deno.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
}

/** Takes {@linkcode letProcessEnd} back. */
export function keepProcess(timer: unknown): void {
  if (typeof timer === "number") Deno.refTimer(timer);
  else (timer as { ref(): void }).ref();
}
