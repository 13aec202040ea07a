import type { AuthorizationError } from "../errors/mod.ts";
import type { CallAuthorization } from "./authorization.ts";

/**
 * The items of a running call for as long as its caller may make it: once the policy has changed and
 * denies it, the items end with that error at once, also while the next one is waited for.
 */
export function whileAllowed<Item>(
  items: AsyncIterable<Item>,
  authorization: CallAuthorization | undefined,
  name: string,
  tags: readonly string[],
): AsyncIterable<Item> {
  const watch = new DenialWatch();
  const stop = authorization?.watch(name, tags, (error) => watch.denied(error));
  return stop === undefined ? items : watched(items[Symbol.asyncIterator](), watch, stop);
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
  error: AuthorizationError | undefined;
  #reject: ((error: AuthorizationError) => void) | undefined;

  denied(error: AuthorizationError): void {
    this.error ??= error;
    this.#reject?.(error);
  }

  next<Item>(items: AsyncIterator<Item>): Promise<IteratorResult<Item>> {
    return new Promise((resolve, reject) => {
      if (this.error !== undefined) return reject(this.error);
      this.#reject = reject;
      items.next().then(resolve, reject);
    });
  }
}
