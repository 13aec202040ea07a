import { InvalidPayload } from "../../errors/mod.ts";
import type { CallEnvelope } from "../envelope/call_envelope.ts";
import type { DuplexMessage, ItemMessage } from "../envelope/stream_envelope.ts";
import type { EncodedPayload } from "../payload/payload.ts";
import { Credit } from "./credit.ts";
import { InputQueue } from "./input_queue.ts";

/**
 * Begins a call that answers with a stream.
 *
 * @param call The call.
 * @param input What the caller sends while it runs.
 * @returns The items, each made when it is asked for.
 */
export type BeginStream = (
  call: CallEnvelope,
  input: AsyncIterable<EncodedPayload>,
) => AsyncIterator<EncodedPayload>;

/**
 * Serves `WorkerService.Duplex`: reads the call, begins it, and then passes items both ways no faster
 * than each side has given credit. A caller that gives none is left to flow control.
 *
 * @param requests What the caller sends.
 * @param begin Begins the call.
 * @param signal Ends the call when it aborts, also while it waits for credit; reading then throws its
 * reason. Default: none.
 * @returns What the caller is sent. Leaving it ends the call, also while it waits for credit.
 */
export function exchange(
  requests: AsyncIterable<DuplexMessage>,
  begin: BeginStream,
  signal: AbortSignal = new AbortController().signal,
): AsyncIterableIterator<ItemMessage, undefined> {
  return new Exchange(requests[Symbol.asyncIterator](), begin, signal);
}

class Exchange implements AsyncIterableIterator<ItemMessage, undefined> {
  readonly #requests: AsyncIterator<DuplexMessage>;
  readonly #begin: BeginStream;
  #items: AsyncIterator<EncodedPayload> | undefined;
  #credit: Credit | undefined;
  #input: InputQueue | undefined;
  /** How many items of the input were read, and the caller has not been told so. */
  #read = 0;
  /** From how many on it is told. */
  #readTold = 1;
  /** The item that was asked for; its outcome once it is there. */
  #item: { outcome?: ItemOutcome } | undefined;
  /** Why the call cannot go on, whatever the routine still does. */
  #failure: Ending & { readonly kind: "failed" } | undefined;
  #news: (() => void) | undefined;
  readonly #signal: AbortSignal;
  readonly #aborted = Promise.withResolvers<never>();
  readonly #onAbort = () => this.#abort();
  #state: "new" | "open" | "over" = "new";

  constructor(requests: AsyncIterator<DuplexMessage>, begin: BeginStream, signal: AbortSignal) {
    this.#requests = requests;
    this.#begin = begin;
    this.#signal = signal;
    this.#aborted.promise.catch(() => {});
  }

  async next(): Promise<IteratorResult<ItemMessage, undefined>> {
    if (this.#state === "new") await this.#open();
    while (this.#state === "open") {
      if (this.#failure !== undefined) return await this.#end(this.#failure);
      if (this.#read >= this.#readTold) return this.#creditForInput();
      this.#item ??= this.#ask();
      const { outcome } = this.#item;
      if (outcome === undefined) {
        await new Promise<void>((resolve) => this.#news = resolve);
        continue;
      }
      this.#item = undefined;
      if (outcome.kind === "item") return { done: false, value: outcome.message };
      return await this.#end(outcome);
    }
    return DONE;
  }

  async return(): Promise<IteratorResult<ItemMessage, undefined>> {
    if (this.#state !== "over") {
      this.#credit?.close();
      this.#over();
      await this.#items?.return?.();
    }
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #open(): Promise<void> {
    this.#state = "open";
    try {
      this.#signal.throwIfAborted();
      this.#signal.addEventListener("abort", this.#onAbort, { once: true });
      this.#start(await Promise.race([this.#call(), this.#aborted.promise]));
    } catch (error) {
      this.#over();
      throw error;
    }
  }

  #start(call: CallEnvelope): void {
    if (call.ahead === 0) {
      this.#items = this.#begin(call, inputOf(this.#requests));
      return;
    }
    this.#readTold = Math.ceil(call.ahead / 2);
    this.#credit = new Credit(call.ahead);
    this.#input = new InputQueue(() => {
      this.#read++;
      this.#news?.();
    });
    this.#items = this.#begin(call, this.#input);
    this.#receive(this.#credit, this.#input);
  }

  /** The first message; what only a newer peer knows is passed over. */
  async #call(): Promise<CallEnvelope> {
    for (;;) {
      const { done, value: message } = await this.#requests.next();
      if (!done && message.kind === "unknown") continue;
      if (!done && message.kind === "call") return message.call;
      throw new InvalidPayload("the first message of a stream is to be its call");
    }
  }

  async #receive(credit: Credit, input: InputQueue): Promise<void> {
    try {
      for (;;) {
        const { done, value: message } = await this.#requests.next();
        if (done) return this.#callerEnded(credit, input);
        if (message.kind === "credit") credit.grant(message.items);
        else if (message.kind === "value") await input.put(message.payload);
        else if (message.kind === "end") input.end();
        else if (message.kind === "call") throw new InvalidPayload("a stream has one call");
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #abort(): void {
    this.#aborted.reject(this.#signal.reason);
    this.#fail(this.#signal.reason);
  }

  #fail(error: unknown): void {
    this.#failure ??= { kind: "failed", error };
    this.#input?.end(error);
    this.#news?.();
  }

  /** A caller that can grant nothing any more leaves the rest to flow control. */
  #callerEnded(credit: Credit, input: InputQueue): void {
    input.end();
    credit.grant(Number.MAX_SAFE_INTEGER);
  }

  /** Asks the routine for its next item, once there is credit for it. */
  #ask(): { outcome?: ItemOutcome } {
    const item: { outcome?: ItemOutcome } = {};
    this.#nextItem().then(
      (outcome) => this.#settle(item, outcome),
      (error) => this.#settle(item, { kind: "failed", error }),
    );
    return item;
  }

  async #nextItem(): Promise<ItemOutcome> {
    if (this.#credit !== undefined && !await this.#credit.take()) return ENDED;
    const result = await this.#items?.next();
    if (result === undefined || result.done) return ENDED;
    return { kind: "item", message: { kind: "value", payload: result.value } };
  }

  #settle(item: { outcome?: ItemOutcome }, outcome: ItemOutcome): void {
    item.outcome = outcome;
    this.#news?.();
  }

  #creditForInput(): IteratorResult<ItemMessage, undefined> {
    const items = this.#read;
    this.#read = 0;
    return { done: false, value: { kind: "credit", items } };
  }

  async #end(ending: Ending): Promise<IteratorResult<ItemMessage, undefined>> {
    const left = await this.return();
    if (ending.kind === "failed") throw ending.error;
    return left;
  }

  /** Nothing more goes out, and nothing more is taken in. */
  #over(): void {
    this.#state = "over";
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#news?.();
    this.#input?.end();
    // Not awaited: where the next message is being waited for, this would wait as long.
    this.#requests.return?.().catch(() => {});
  }
}

type ItemOutcome = { readonly kind: "item"; readonly message: ItemMessage } | Ending;
type Ending = { readonly kind: "ended" } | { readonly kind: "failed"; readonly error: unknown };

const ENDED: ItemOutcome = { kind: "ended" };
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The caller's stream where flow control alone holds it back. */
async function* inputOf(
  requests: AsyncIterator<DuplexMessage>,
): AsyncGenerator<EncodedPayload, void, undefined> {
  for (;;) {
    const { done, value: message } = await requests.next();
    if (done || message.kind === "end") return;
    if (message.kind === "value") yield message.payload;
    else if (message.kind === "call") throw new InvalidPayload("a stream has one call");
  }
}
