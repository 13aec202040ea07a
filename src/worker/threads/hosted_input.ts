import type { EncodedPayload } from "../../routine/mod.ts";

/** A caller's stream as the routine reads it: each item is asked for when it is needed. */
export class HostedInput implements AsyncIterableIterator<EncodedPayload, undefined> {
  readonly #want: () => void;
  #waiting: PromiseWithResolvers<IteratorResult<EncodedPayload, undefined>>[] = [];
  #state:
    | { readonly kind: "open" }
    | { readonly kind: "ended" }
    | { readonly kind: "failed"; readonly error: unknown } = { kind: "open" };

  /** @param want Asks the caller for the next item. */
  constructor(want: () => void) {
    this.#want = want;
  }

  push(item: EncodedPayload): void {
    this.#waiting.shift()?.resolve({ done: false, value: item });
    if (this.#waiting.length > 0) this.#want();
  }

  end(): void {
    this.#state = { kind: "ended" };
    for (const { resolve } of this.#waiting.splice(0)) resolve(DONE);
  }

  fail(error: unknown): void {
    if (this.#state.kind !== "open") return;
    this.#state = { kind: "failed", error };
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  next(): Promise<IteratorResult<EncodedPayload, undefined>> {
    if (this.#state.kind === "ended") return Promise.resolve(DONE);
    if (this.#state.kind === "failed") return Promise.reject(this.#state.error);
    const waiting = Promise.withResolvers<IteratorResult<EncodedPayload, undefined>>();
    this.#waiting.push(waiting);
    if (this.#waiting.length === 1) this.#want();
    return waiting.promise;
  }

  return(): Promise<IteratorResult<EncodedPayload, undefined>> {
    this.end();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
