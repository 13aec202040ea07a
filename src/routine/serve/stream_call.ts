import { InvalidPayload } from "../../errors/mod.ts";
import type { CallEnvelope } from "../envelope/call_envelope.ts";
import type { DuplexMessage, ItemMessage } from "../envelope/stream_envelope.ts";
import type { EncodedPayload } from "../payload/payload.ts";
import { Credit } from "./credit.ts";
import { InputQueue, type RoutineInput, type UnreadBytes } from "./input_queue.ts";
import type { ItemReceiver, PullableItems } from "./pulled_items.ts";

/**
 * Begins a call that answers with a stream, and is sent `input` while it runs: its items are each made when it is asked
 * for.
 */
export type BeginStream = (
  call: CallEnvelope,
  input: RoutineInput,
) => AsyncIterator<EncodedPayload> & Pick<PullableItems, "pull">;

/** Where the messages of a stream are sent as they come, without a promise for each. */
export interface MessageSink<Message> {
  /**
   * Sends a message.
   *
   * @returns Whether another may follow at once; else after {@linkcode FlowingMessages.resume}.
   */
  send(message: Message): boolean;
  /** Sends at once what would leave with the end of the turn. */
  flush?(): void;
}

/** The messages of a stream: iterated, or sent to a sink as they come, one or the other. */
export interface FlowingMessages<Message> extends AsyncIterableIterator<Message, undefined> {
  /** Sends everything to the sink; resolves after the last, and rejects with why the call failed. */
  flow(sink: MessageSink<Message>): Promise<void>;
  /** The sink takes messages again. */
  resume(): void;
  /** Ends the call, also while it waits for credit. */
  return(): Promise<IteratorResult<Message, undefined>>;
}

/** What the caller of a stream sends. */
export interface RequestIterator<Request> extends AsyncIterator<Request> {
  /** The next message where it is there already; nothing where only `next` tells. Default: `next` always does. */
  take?(): Request | undefined;
}

/** How the messages of a call with streams are written: as bytes, or as generated messages. */
export interface StreamForm<Request, Answer> {
  /** Reads what the caller sends. */
  readonly read: (request: Request) => DuplexMessage;
  /** Writes what the caller is sent. */
  readonly write: (message: ItemMessage) => Answer;
}

/** What a stream is served with. */
export interface ServeStreamOptions {
  /** Ends the call when it aborts, also while it waits for credit; reading then throws its reason. Default: none. */
  readonly signal?: AbortSignal;
  /** Counts what the caller sent and the routine has not read. Default: each stream by itself, up to 8 MiB. */
  readonly unread?: UnreadBytes | undefined;
}

/**
 * Serves `WorkerService.Duplex`: reads the call, begins it, and then passes items both ways no faster
 * than each side has given credit. A caller that gives none is left to flow control.
 *
 * @returns What the caller is sent, for one reader at a time, or one sink. Leaving it ends the call, also
 * while it waits for credit.
 */
export function serveStream<Request, Answer>(
  requests: { [Symbol.asyncIterator](): RequestIterator<Request> },
  begin: BeginStream,
  form: StreamForm<Request, Answer>,
  options: ServeStreamOptions = {},
): FlowingMessages<Answer> {
  return new StreamCall(requests[Symbol.asyncIterator](), begin, form, options);
}

class StreamCall<Request, Answer> implements FlowingMessages<Answer>, ItemReceiver {
  readonly #requests: RequestIterator<Request>;
  readonly #begin: BeginStream;
  readonly #form: StreamForm<Request, Answer>;
  #items: ReturnType<BeginStream> | undefined;
  #credit: Credit | undefined;
  #input: InputQueue | undefined;
  /** How many items of the input were read, and not yet reported to the caller. */
  #read = 0;
  /**
   * From how many on it is reported: the first at once, for until then the caller keeps all that it sent, to send it
   * elsewhere.
   */
  #creditAt = 1;
  /** How many items may be under way unread. */
  #ahead = 0;
  /** Whether the routine was asked for an item that is not there yet. */
  #asked = false;
  /** What it answered, until it is read. */
  #outcome: ItemOutcome | undefined;
  /** Why the call cannot go on, whatever the routine still does. */
  #failure: Ending & { readonly kind: "failed" } | undefined;
  /** Those who wait for what comes next. */
  #reader: Reader<Answer> | undefined;
  /** Takes messages as they come, instead of a reader, while it is ready. */
  #sink: MessageSink<Answer> | undefined;
  #sinkReady = false;
  /** Set while an item that was pulled is handled: whether the next is asked for. */
  #pulling: "no" | "yes" | "again" = "no";
  readonly #signal: AbortSignal | undefined;
  readonly #unread: UnreadBytes | undefined;
  readonly #onAbort = () => this.#fail(this.#signal?.reason);
  readonly #onItem = (item: IteratorResult<EncodedPayload>) =>
    this.#settle(item.done ? ENDED : { kind: "item", payload: item.value });
  readonly #onError = (error: unknown) => this.#settle({ kind: "failed", error });
  #state: "new" | "open" | "over" = "new";
  #isCutOff = false;

  constructor(
    requests: RequestIterator<Request>,
    begin: BeginStream,
    form: StreamForm<Request, Answer>,
    { signal, unread }: ServeStreamOptions,
  ) {
    this.#requests = requests;
    this.#begin = begin;
    this.#form = form;
    this.#signal = signal;
    this.#unread = unread;
  }

  next(): Promise<IteratorResult<Answer, undefined>> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      if (this.#state === "new") void this.#open();
      else this.#advance();
    });
  }

  flow(sink: MessageSink<Answer>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve: () => resolve(), reject };
      this.#sink = sink;
      this.#sinkReady = true;
      void this.#open();
    });
  }

  resume(): void {
    this.#sinkReady = true;
    this.#advance();
  }

  return(): Promise<IteratorResult<Answer, undefined>> {
    return this.#leave(true);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An item that was pulled. */
  item(payload: EncodedPayload): boolean {
    this.#pulling = "yes";
    this.#settle({ kind: "item", payload });
    const again = this.#wasAskedAgain();
    this.#pulling = "no";
    return again;
  }

  ended(): void {
    this.#settle(ENDED);
  }

  failed(error: unknown): void {
    this.#settle({ kind: "failed", error });
  }

  /** Gives the reader, or the sink, what there is, and else asks the routine for it. */
  #advance(): void {
    while (this.#reader !== undefined && this.#step());
  }

  /** Returns whether there may be more to give. */
  #step(): boolean {
    if (this.#state === "over") this.#take().resolve(DONE);
    else if (this.#failure !== undefined) this.#end(this.#failure);
    else if (this.#sink !== undefined && !this.#sinkReady) return false;
    else if (this.#read >= this.#creditAt) {
      this.#give(this.#creditForInput());
      // The routine may have more to read in this turn: the caller makes other items meanwhile.
      this.#sink?.flush?.();
    } else if (this.#outcome !== undefined) this.#deliver(this.#outcome);
    else {
      if (this.#items !== undefined) this.#ask(this.#items);
      return false;
    }
    return true;
  }

  async #open(): Promise<void> {
    this.#state = "open";
    if (this.#signal?.aborted) this.#fail(this.#signal.reason);
    else {
      this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
      try {
        const call = await this.#call();
        if (this.#state === "open" && this.#failure === undefined) this.#start(call);
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#advance();
  }

  #start(call: CallEnvelope): void {
    if (call.ahead === 0) {
      const input = inputOf(this.#requests, this.#form.read, () => this.#isCutOff);
      this.#items = this.#begin(call, input);
      return;
    }
    this.#ahead = call.ahead;
    this.#credit = new Credit(call.ahead);
    this.#input = new InputQueue(() => {
      this.#read++;
      this.#advance();
    }, this.#unread);
    this.#items = this.#begin(call, this.#input);
    void this.#receive(this.#credit, this.#input);
  }

  /** The first message; what only a newer peer knows is passed over. */
  async #call(): Promise<CallEnvelope> {
    for (;;) {
      const { done, value } = await this.#requests.next();
      const message = done ? undefined : this.#form.read(value);
      if (message?.kind === "unknown") continue;
      if (message?.kind === "call") return message.call;
      throw new InvalidPayload("the first message of a stream is to be its call");
    }
  }

  async #receive(credit: Credit, input: InputQueue): Promise<void> {
    try {
      for (;;) {
        let request = this.#requests.take?.();
        if (request === undefined) {
          const { done, value } = await this.#requests.next();
          if (done) return this.#callerEnded(credit, input);
          request = value;
        }
        const message = this.#form.read(request);
        if (message.kind === "credit") credit.grant(message.items);
        else if (message.kind === "value") {
          const room = input.put(message.payload);
          if (room !== undefined) await room;
        } else if (message.kind === "end") input.end();
        else if (message.kind === "call") throw new InvalidPayload("a stream has one call");
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { kind: "failed", error };
    this.#input?.end(error);
    this.#advance();
  }

  /** A caller that can grant nothing any more leaves the rest to flow control. */
  #callerEnded(credit: Credit, input: InputQueue): void {
    input.end();
    credit.grant(Number.MAX_SAFE_INTEGER);
  }

  /** Asks the routine for its next item, once there is credit for it. */
  #ask(items: ReturnType<BeginStream>): void {
    if (this.#asked) return;
    this.#asked = true;
    if (this.#credit === undefined || this.#credit.tryTake()) this.#askNow(items);
    else {
      void this.#credit.take().then((taken) => taken ? this.#askNow(items) : this.#settle(ENDED));
    }
  }

  #askNow(items: ReturnType<BeginStream>): void {
    if (this.#pulling !== "no") this.#pulling = "again";
    else if (items.pull !== undefined && this.#sink !== undefined) items.pull(this);
    else items.next().then(this.#onItem, this.#onError);
  }

  #wasAskedAgain(): boolean {
    return this.#pulling === "again";
  }

  #settle(outcome: ItemOutcome): void {
    this.#asked = false;
    this.#outcome = outcome;
    this.#advance();
  }

  #deliver(outcome: ItemOutcome): void {
    this.#outcome = undefined;
    if (outcome.kind === "item") this.#give({ kind: "value", payload: outcome.payload });
    else this.#end(outcome);
  }

  #give(message: ItemMessage): void {
    if (this.#sink !== undefined) return this.#send(this.#sink, message);
    const { resolve, reject } = this.#take();
    try {
      resolve({ done: false, value: this.#form.write(message) });
    } catch (error) {
      reject(error);
    }
  }

  #send(sink: MessageSink<Answer>, message: ItemMessage): void {
    try {
      this.#sinkReady = sink.send(this.#form.write(message));
    } catch (error) {
      this.#end({ kind: "failed", error });
    }
  }

  #creditForInput(): ItemMessage {
    const items = this.#read;
    this.#read = 0;
    this.#creditAt = Math.ceil(this.#ahead / 2);
    return { kind: "credit", items };
  }

  #end(ending: Ending): void {
    const { resolve, reject } = this.#take();
    this.#leave(ending.kind === "failed").then((left) => {
      if (ending.kind === "failed") reject(ending.error);
      else resolve(left);
    }, reject);
  }

  #take(): Reader<Answer> {
    const reader = this.#reader as Reader<Answer>;
    this.#reader = undefined;
    return reader;
  }

  async #leave(isCutOff: boolean): Promise<IteratorResult<Answer, undefined>> {
    if (this.#state !== "over") {
      this.#credit?.close();
      this.#over(isCutOff);
      await this.#items?.return?.();
    }
    return DONE;
  }

  /** Nothing more goes out, and nothing more is taken in: input that is cut off must not look complete. */
  #over(isCutOff: boolean): void {
    this.#state = "over";
    this.#isCutOff = isCutOff;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#advance();
    if (isCutOff) this.#input?.cutOff(CUT_OFF);
    else this.#input?.abandon();
    // Not awaited: where the next message is being waited for, this would wait as long.
    this.#requests.return?.().catch(() => {});
  }
}

interface Reader<Answer> {
  resolve(result: IteratorResult<Answer, undefined>): void;
  reject(error: unknown): void;
}

type ItemOutcome = { readonly kind: "item"; readonly payload: EncodedPayload } | Ending;
type Ending = { readonly kind: "ended" } | { readonly kind: "failed"; readonly error: unknown };

const ENDED: ItemOutcome = { kind: "ended" };
/** Ready-made: an error that is made whenever a caller leaves costs ten times as much. */
const CUT_OFF = new DOMException("the call is over, and its input was cut off", "AbortError");

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The caller's stream where flow control alone holds it back. */
async function* inputOf<Request>(
  requests: AsyncIterator<Request>,
  read: (request: Request) => DuplexMessage,
  isCutOff: () => boolean,
): AsyncGenerator<EncodedPayload, void, undefined> {
  for (;;) {
    const { done, value } = await requests.next();
    if (isCutOff()) throw CUT_OFF;
    if (done) return;
    const message = read(value);
    if (message.kind === "end") return;
    if (message.kind === "value") yield message.payload;
    else if (message.kind === "call") throw new InvalidPayload("a stream has one call");
  }
}
