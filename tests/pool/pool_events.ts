import type { WorkerPool } from "../../src/pool/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";

/** The event of a type. */
type EventOf<Type> = Extract<SelvageEvent, { readonly type: Type }>;

/** The next event of a type that is wanted. */
export async function next<Type extends SelvageEvent["type"]>(
  pool: WorkerPool,
  type: Type,
  wanted: (event: EventOf<Type>) => boolean = () => true,
): Promise<EventOf<Type>> {
  return (await all(pool, type, 1, wanted))[0]!;
}

/** The next events of a type that are wanted, so many of them. */
export async function all<Type extends SelvageEvent["type"]>(
  pool: WorkerPool,
  type: Type,
  count: number,
  wanted: (event: EventOf<Type>) => boolean = () => true,
): Promise<EventOf<Type>[]> {
  const isWanted = (event: SelvageEvent): event is EventOf<Type> =>
    event.type === type && wanted(event as EventOf<Type>);
  const found: EventOf<Type>[] = [];
  for await (const event of pool.events()) {
    if (isWanted(event)) found.push(event);
    if (found.length === count) return found;
  }
  throw new Error(`the pool ended without ${count} events ${type}`);
}

/** What a promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was fulfilled");
}
