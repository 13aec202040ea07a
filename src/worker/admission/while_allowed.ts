import type { AuthenticationError, AuthorizationError } from "../../errors/mod.ts";
import type { AdmittedCall } from "./admitted_call.ts";

/** What may end a running call that has begun rightly. */
export interface RunningCall {
  /** What it was admitted with. */
  readonly admitted: AdmittedCall;
  /** The routine, or the method. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Called when the caller's token has ended. */
  readonly expired: (error: AuthenticationError) => void;
  /** What the items end with where the call is denied. Default: the error itself. */
  readonly asThrown?: (error: Denial) => Error;
}

/**
 * The items of a running call for as long as its caller may make it: once the policy has changed and
 * denies it, or the caller's token has ended, the items end with that error at once, also while the next one
 * is waited for.
 */
export function whileAllowed<Item>(
  items: AsyncIterable<Item>,
  { admitted: { authorization, session }, name, tags, expired, asThrown }: RunningCall,
): AsyncIterable<Item> {
  const watch = new DenialWatch(asThrown);
  const stop = authorization?.watch(name, tags, (error) => watch.denied(error));
  if (session === undefined) {
    return stop === undefined ? items : watched(items[Symbol.asyncIterator](), watch, stop);
  }
  const token = session.watch((error) => {
    watch.denied(error);
    expired(error);
  });
  return watched(items[Symbol.asyncIterator](), watch, () => {
    stop?.();
    token[Symbol.dispose]();
  });
}

async function* watched<Item>(
  items: AsyncIterator<Item>,
  watch: DenialWatch,
  stop: () => void,
): AsyncGenerator<Item, void, undefined> {
  try {
    for (;;) {
      const { done, value } = await watch.next(items);
      if (done) return;
      yield value;
    }
  } finally {
    stop();
    // Not awaited where it was denied: what does not look at its signal may take for ever.
    const left = Promise.try(() => items.return?.());
    if (watch.error === undefined) await left;
    else left.catch(() => {});
  }
}

/** Ends one waiting at a time: a promise that outlives them all would keep a reaction of each. */
class DenialWatch {
  /** What the items end with. */
  error: Error | undefined;
  readonly #asThrown: (error: Denial) => Error;
  #reject: ((error: Error) => void) | undefined;

  constructor(asThrown: (error: Denial) => Error = (error) => error) {
    this.#asThrown = asThrown;
  }

  denied(error: Denial): void {
    this.error ??= this.#asThrown(error);
    this.#reject?.(this.error);
  }

  next<Item>(items: AsyncIterator<Item>): Promise<IteratorResult<Item>> {
    return new Promise((resolve, reject) => {
      if (this.error !== undefined) return reject(this.error);
      this.#reject = reject;
      items.next().then(resolve, reject);
    });
  }
}

type Denial = AuthenticationError | AuthorizationError;
