import type { Clock } from "../observe/mod.ts";

/** Waits for a promise, and no longer than so many milliseconds. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<void> {
  const over = Promise.withResolvers<void>();
  using _timer = clock.schedule(over.resolve, ms);
  await Promise.race([promise, over.promise]);
}
