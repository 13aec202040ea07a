import type { Begin, CallerMessage, CallOutcome, ServerMessage } from "./messages.ts";
import type { EncodedPayload } from "../../routine/mod.ts";

/** What becomes of a call that the other side has taken. */
export interface CallSink {
  /** Whether the other side has something to compute for it now. */
  readonly computing: boolean;
  /** The routine gave an item. */
  item(item: EncodedPayload): void;
  /** The routine wants the next item of the caller's stream. */
  inputWanted(): void;
  /** The routine is done; nothing more comes. */
  ended(outcome: CallOutcome): void;
  /** The other side is gone, and the call with it. */
  lost(error: Error): void;
}

/** The calling side: says what callers say, and hands on what comes back. */
export class CallPort<Facts> {
  readonly #calls = new Map<number, CallSink>();
  readonly #post: (message: CallerMessage<Facts>) => void;
  readonly #giveUp: (error: Error) => void;

  /** @param giveUp Ends the side that runs the routines, which does not stop when it is asked to. */
  constructor(
    post: (message: CallerMessage<Facts>) => void,
    giveUp: (error: Error) => void = () => {},
  ) {
    this.#post = post;
    this.#giveUp = giveUp;
  }

  /** How many calls the other side has taken. */
  get calls(): number {
    return this.#calls.size;
  }

  /** Whether it works for any of them. */
  get computing(): boolean {
    return this.#calls.values().some((call) => call.computing);
  }

  begin(message: Begin<Facts>, sink: CallSink): void {
    this.#calls.set(message.call, sink);
    this.#post(message);
  }

  /** Says something about a call; nothing where that call is over. */
  post(message: Exclude<CallerMessage<Facts>, Begin<Facts>>): void {
    if (this.#calls.has(message.call)) this.#post(message);
  }

  /** The other side says something. */
  receive(message: ServerMessage): void {
    const call = this.#calls.get(message.call);
    switch (message.kind) {
      case "item":
        return call?.item(message.item);
      case "input-wanted":
        return call?.inputWanted();
      case "ended":
        this.#calls.delete(message.call);
        return call?.ended(message.outcome);
    }
  }

  /** The other side has not stopped in time. */
  giveUp(error: Error): void {
    this.#giveUp(error);
  }

  /** The other side is gone. */
  lose(error: Error): void {
    const lost = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of lost) call.lost(error);
  }
}
