import type { CallSpan } from "./call_span.ts";
import { outcomeOf } from "./call_outcome.ts";
import type { CallOutcome, Metrics } from "./metrics.ts";

/** What is recorded of one call, at either end; nothing, and for free, where nobody listens. */
export class CallRecord {
  readonly #metrics: Metrics;
  readonly #routine: string;
  readonly #span: CallSpan | undefined;
  readonly #beganAt: number;

  /**
   * The call begins.
   *
   * @param metrics where it is counted.
   * @param routine a name we serve or call ourselves, never a peer's text.
   * @param span its span, where a tracer is registered.
   */
  constructor(metrics: Metrics, routine: string, span: CallSpan | undefined) {
    this.#metrics = metrics;
    this.#routine = routine;
    this.#span = span;
    this.#beganAt = metrics.recording ? performance.now() : 0;
    metrics.callBegan();
  }

  /** The call has answered. */
  succeeded(): void {
    this.#end("ok");
  }

  /** The call has failed; where it was `cancelled`, that is why. */
  failed(error: unknown, cancelled: boolean): void {
    this.#end(outcomeOf(error, cancelled));
  }

  /** The caller left its stream. */
  left(): void {
    this.#end("cancelled");
  }

  #end(outcome: CallOutcome): void {
    this.#span?.end(outcome);
    if (!this.#metrics.recording) return;
    this.#metrics.callEnded(this.#routine, outcome, performance.now() - this.#beganAt);
  }
}
