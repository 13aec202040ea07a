import { onAbort } from "./on_abort.ts";

/** The promise's outcome, or the signal's reason if it aborts before. */
export async function untilAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason);
  using _abort = onAbort(signal, () => reject(signal.reason));
  return await Promise.race([promise, aborted]);
}
