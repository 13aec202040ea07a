import { type CallSpan, type Metrics, startClientSpan } from "../observe/mod.ts";
import type { PlacedCall } from "./attempts.ts";
import { outcomeOf } from "./outcome.ts";

/** What is recorded of one call at its caller; nothing, and for free, where nobody listens. */
export class CallRecord {
  /** The span, where a tracer is registered. */
  readonly span: CallSpan | undefined;
  readonly #metrics: Metrics;
  readonly #call: PlacedCall;
  readonly #beganAt: number;

  /** The call begins. */
  constructor(metrics: Metrics, call: PlacedCall) {
    this.#metrics = metrics;
    this.#call = call;
    this.#beganAt = metrics.recording ? performance.now() : 0;
    this.span = startClientSpan(call.routine);
    metrics.callBegan();
  }

  /** The call has answered. */
  succeeded(): void {
    this.#end("ok");
  }

  /** The call has failed. */
  failed(error: unknown): void {
    this.#end(outcomeOf(error, this.#call.signal));
  }

  /** The caller left its stream. */
  left(): void {
    this.#end("cancelled");
  }

  #end(outcome: Parameters<CallSpan["end"]>[0]): void {
    this.span?.end(outcome);
    if (!this.#metrics.recording) return;
    this.#metrics.callEnded(this.#call.routine, outcome, performance.now() - this.#beganAt);
  }
}
