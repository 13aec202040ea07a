import type { Shape } from "../../contract/mod.ts";
import { RoutineError, WorkerUnavailable } from "../../errors/mod.ts";
import type { Clock } from "../../observe/mod.ts";
import { crossing } from "./abort_reason.ts";
import { type EncodedPayload, keepStackHere } from "../../routine/mod.ts";
import type { CallPort, CallSink } from "./call_port.ts";
import type { CallOutcome } from "./messages.ts";
import { errorOf } from "./thread_failure.ts";

/** What one call to another thread is made of. */
export interface HeldCallOptions<Facts> {
  readonly number: number;
  readonly shape: Shape;
  readonly routine: string;
  readonly args: EncodedPayload;
  readonly facts: Facts;
  /** Aborts when the caller cancels or the time is over. */
  readonly signal: AbortSignal;
  /** The caller's stream, with a duplex call. */
  readonly input?: AsyncIterable<EncodedPayload> | undefined;
  readonly clock: Clock;
  /** How long the call may go on after its signal before the other side is given up. */
  readonly graceMs: number;
  /** Whether the stack of what the routine throws stays here, for the log. Default: `false`. */
  readonly keepsStacks?: boolean;
  /** Called once when the call is over at the other side too, or never began there. */
  readonly onOver?: () => void;
}

/** The calling side of one call: waits for a thread, then for what the thread says. */
export class HeldCall<Facts> implements CallSink {
  readonly #options: HeldCallOptions<Facts>;
  readonly #input: AsyncIterator<EncodedPayload> | undefined;
  #state: HeldState<Facts> = { kind: "waiting" };
  /** How it ended for its reader; set once. */
  #outcome: HeldOutcome | undefined;
  /** The item that the reader asked for, once it is there. */
  #item: EncodedPayload | undefined;
  #wanted = false;
  /** Whether the routine waits for its caller's stream. */
  #starved = false;
  #inputError: unknown;
  #news: (() => void) | undefined;
  #over: (() => void) | undefined;
  readonly #onAbort = () => this.#abort();

  constructor(options: HeldCallOptions<Facts>) {
    this.#options = options;
    this.#input = options.input?.[Symbol.asyncIterator]();
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Whether it still wants a thread. */
  get waiting(): boolean {
    return this.#state.kind === "waiting";
  }

  /** Whether the thread works for it: not while its reader or its caller's stream is awaited. */
  get computing(): boolean {
    if (this.#state.kind === "leaving" || this.#options.shape === "unary") return true;
    return this.#wanted && !this.#starved;
  }

  /** Starts at the other end of `port`. */
  begin(port: CallPort<Facts>): void {
    const { number: call, shape, routine, args, facts } = this.#options;
    this.#state = { kind: "running", port };
    port.begin({ kind: "begin", call, shape, routine, args, facts }, this);
    if (this.#wanted) port.post({ kind: "next", call });
  }

  /** Will never get a thread. */
  refuse(error: unknown): void {
    this.#settle({ kind: "broken", error });
    this.#end();
  }

  /** The result of a unary call. */
  async result(): Promise<EncodedPayload> {
    while (this.#outcome === undefined) await this.#wait();
    if (this.#outcome.kind === "result") return this.#outcome.result;
    throw this.#errorIn(this.#outcome);
  }

  /** The items of a stream, each made when it is asked for. */
  async *items(): AsyncGenerator<EncodedPayload, void, undefined> {
    try {
      for (;;) {
        this.#next();
        while (this.#item === undefined && this.#outcome === undefined) await this.#wait();
        if (this.#item !== undefined) {
          const item = this.#item;
          this.#item = undefined;
          yield item;
        } else if (this.#outcome?.kind === "finished") {
          return;
        } else {
          throw this.#errorIn(this.#outcome!);
        }
      }
    } finally {
      await this.#leave();
    }
  }

  /** The reader of the items does not wait for the next one any more. */
  readerLeft(): void {
    this.#settle({ kind: "finished" });
  }

  /** The item that was asked for came from the thread. */
  item(item: EncodedPayload): void {
    if (this.#outcome !== undefined) return;
    this.#wanted = false;
    this.#item = item;
    this.#news?.();
  }

  /** The routine waits for its caller's stream. */
  inputWanted(): void {
    if (!this.#starved && this.#input !== undefined) this.#feed(this.#input);
  }

  /** The routine is done. */
  ended(outcome: CallOutcome): void {
    this.#settle(outcome);
    this.#end();
  }

  /** The thread is gone. */
  lost(error: Error): void {
    this.refuse(
      new WorkerUnavailable(`the thread of this call was lost: ${error.message}`, {
        worker: { address: "memory:thread" },
        notBegun: false,
        cause: error,
      }),
    );
  }

  #next(): void {
    this.#wanted = true;
    this.#post({ kind: "next", call: this.#options.number });
  }

  async #feed(input: AsyncIterator<EncodedPayload>): Promise<void> {
    const call = this.#options.number;
    this.#starved = true;
    try {
      const { done, value: item } = await input.next();
      this.#starved = false;
      this.#post(done ? { kind: "input-end", call } : { kind: "input", call, item });
    } catch (error) {
      this.#starved = false;
      this.#inputError = error;
      this.#post({ kind: "input-failed", call, reason: crossing(error) });
    }
  }

  #post(message: Parameters<CallPort<Facts>["post"]>[0]): void {
    if (this.#state.kind === "running") this.#state.port.post(message);
  }

  /** The caller gets its signal's reason now; the thread has the grace to notice. */
  #abort(): void {
    const { number: call, signal } = this.#options;
    this.#item = undefined;
    this.#settle({ kind: "broken", error: signal.reason });
    if (this.#state.kind === "waiting") return this.#end();
    if (this.#state.kind === "over") return;
    const { port } = this.#state;
    port.post({ kind: "abort", call, reason: crossing(signal.reason) });
    this.#wind(port);
    this.#over?.();
  }

  /** The reader left: waits until the generator's `finally` has run, unless the signal aborts first. */
  async #leave(): Promise<void> {
    if (this.#state.kind === "waiting") return this.#end();
    if (this.#state.kind !== "running") return;
    const { port } = this.#state;
    port.post({ kind: "leave", call: this.#options.number });
    this.#wind(port);
    await new Promise<void>((resolve) => this.#over = resolve);
  }

  /** From here the thread has the grace to end, or it is replaced. */
  #wind(port: CallPort<Facts>): void {
    if (this.#state.kind === "leaving") return;
    const { clock, graceMs, routine } = this.#options;
    const timer = clock.schedule(() => {
      port.giveUp(new Error(`"${routine}" went on for ${graceMs} ms after it was asked to stop`));
    }, graceMs);
    this.#state = { kind: "leaving", port, timer };
  }

  #settle(outcome: HeldOutcome): void {
    this.#outcome ??= outcome;
    this.#news?.();
  }

  #end(): void {
    if (this.#state.kind === "over") return;
    if (this.#state.kind === "leaving") this.#state.timer[Symbol.dispose]();
    this.#state = { kind: "over" };
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#over?.();
    this.#options.onOver?.();
    // The caller's stream is let go of; how it takes that no longer matters to the call.
    this.#input?.return?.().catch(() => {});
  }

  #errorIn(outcome: HeldOutcome): unknown {
    switch (outcome.kind) {
      case "broken":
        return outcome.error;
      case "failed":
        return this.#options.keepsStacks === true
          ? withoutStack(errorOf(outcome.failure))
          : errorOf(outcome.failure);
      case "input-failed":
        return this.#inputError;
      case "result":
      case "finished":
        return new Error("a thread answered a call in another shape than it was made in");
    }
  }

  /** Waits for an item or the outcome. */
  async #wait(): Promise<void> {
    await new Promise<void>((resolve) => this.#news = resolve);
  }
}

function withoutStack(error: Error): Error {
  return error instanceof RoutineError ? keepStackHere(error) : error;
}

type HeldOutcome = CallOutcome | { readonly kind: "broken"; readonly error: unknown };

type HeldState<Facts> =
  /** For a thread. */
  | { readonly kind: "waiting" }
  | { readonly kind: "running"; readonly port: CallPort<Facts> }
  /** The caller or the reader is gone; the thread has until the timer to notice. */
  | { readonly kind: "leaving"; readonly port: CallPort<Facts>; readonly timer: Disposable }
  | { readonly kind: "over" };
