import type { Endpoint } from "../endpoint/endpoint.ts";
import type { HeldPlace } from "../endpoint/held_calls.ts";
import type { RepeatableInput } from "./repeatable_input.ts";

/** A stream that counts as a call in flight at its worker, from its response's first byte to its end. */
export class CountedStream {
  readonly #endpoint: Endpoint;
  readonly #routine: string;
  readonly #input: RepeatableInput<unknown>;
  #place: HeldPlace | undefined;
  #end: { readonly error: unknown } | undefined;

  /** An attempt that has not begun. */
  constructor(endpoint: Endpoint, routine: string, input: RepeatableInput<unknown>) {
    this.#endpoint = endpoint;
    this.#routine = routine;
    this.#input = input;
  }

  /** The worker has answered: no other is asked. */
  begun(): void {
    this.#input.begun();
    // Until now a stream that was over has left its input to other attempts.
    if (this.#end !== undefined) this.#input.close(this.#end.error);
    else this.#place = this.#endpoint.held.add({ routine: this.#routine });
  }

  /** It is over; `error` is why, where it failed. */
  ended(error?: unknown): void {
    this.#end = { error };
    if (this.#place !== undefined) this.#endpoint.held.remove(this.#place);
    this.#place = undefined;
  }
}
