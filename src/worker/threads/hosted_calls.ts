import type { EncodedPayload } from "../../routine/mod.ts";
import { crossed } from "./abort_reason.ts";
import { HostedInput } from "./hosted_input.ts";
import type { Begin, CallerMessage, CallOutcome, ServerMessage } from "./messages.ts";
import { failureOf } from "./thread_failure.ts";

/** What a call is run with. */
export interface HostedCallGround {
  /** Aborts when the caller cancels or leaves. */
  readonly signal: AbortSignal;
  /** The caller's stream, with a duplex call. */
  readonly input: AsyncIterable<EncodedPayload>;
}

/**
 * Runs a call: gives a promise for a unary one, and the items of any other. What it throws are
 * errors of ours.
 */
export type Run<Facts> = (
  call: Begin<Facts>,
  ground: HostedCallGround,
) => Promise<EncodedPayload> | AsyncIterator<EncodedPayload, unknown>;

/** The side that runs routines for callers in another thread. */
export class HostedCalls<Facts> {
  readonly #run: Run<Facts>;
  readonly #post: (message: ServerMessage) => void;
  readonly #calls = new Map<number, HostedCall>();

  constructor(run: Run<Facts>, post: (message: ServerMessage) => void) {
    this.#run = run;
    this.#post = post;
  }

  /** The calling side says something. */
  receive(message: CallerMessage<Facts>): void {
    if (message.kind !== "begin") return this.#calls.get(message.call)?.receive(message);
    const { call } = message;
    const hosted = new HostedCall(call, (answer) => {
      if (answer.kind === "ended") this.#calls.delete(call);
      this.#post(answer);
    });
    this.#calls.set(call, hosted);
    hosted.begin((ground) => this.#run(message, ground));
  }

  /** Cancels every call: the calling side is gone. */
  abandon(): void {
    const reason = { name: "AbortError", message: "the caller is gone" };
    for (const [call, hosted] of this.#calls) hosted.receive({ kind: "abort", call, reason });
  }
}

class HostedCall {
  readonly #number: number;
  readonly #post: (message: ServerMessage) => void;
  readonly #abort = new AbortController();
  readonly #input: HostedInput;
  #items: AsyncIterator<EncodedPayload, unknown> | undefined;
  #inputError: unknown;
  #ended = false;

  constructor(number: number, post: (message: ServerMessage) => void) {
    this.#number = number;
    this.#post = post;
    this.#input = new HostedInput(() => post({ kind: "input-wanted", call: number }));
  }

  begin(run: (ground: HostedCallGround) => ReturnType<Run<never>>): void {
    try {
      const running = run({ signal: this.#abort.signal, input: this.#input });
      if ("then" in running) {
        running.then((result) => this.#end({ kind: "result", result }), this.#fail);
      } else this.#items = running;
    } catch (error) {
      this.#fail(error);
    }
  }

  receive(message: Exclude<CallerMessage<never>, Begin<never>>): void {
    switch (message.kind) {
      case "next":
        this.#next();
        break;
      case "input":
        this.#input.push(message.item);
        break;
      case "input-end":
        this.#input.end();
        break;
      case "input-failed":
        this.#inputError = crossed(message.reason);
        this.#input.fail(this.#inputError);
        break;
      case "abort":
        this.#leave(crossed(message.reason));
        break;
      case "leave":
        this.#leave(new DOMException("the caller left the stream", "AbortError"));
        break;
    }
  }

  async #next(): Promise<void> {
    try {
      const next = await this.#items!.next();
      if (next.done === true) this.#end({ kind: "finished" });
      else this.#post({ kind: "item", call: this.#number, item: next.value });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A generator that is busy reaches its `finally` once it has heeded the signal, or waits for input: none comes. */
  async #leave(reason: unknown): Promise<void> {
    this.#abort.abort(reason);
    this.#input.fail(reason);
    if (this.#items === undefined) return;
    try {
      await this.#items.return?.();
      this.#end({ kind: "finished" });
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #fail = (error: unknown): void => {
    const passedOn = this.#inputError !== undefined && error === this.#inputError;
    this.#end(passedOn ? { kind: "input-failed" } : { kind: "failed", failure: failureOf(error) });
  };

  /** The first end counts: a call that is left may end in more than one way. */
  #end(outcome: CallOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#post({ kind: "ended", call: this.#number, outcome });
  }
}
