import type { HandshakeSide } from "../errors/mod.ts";
import type { CallSpan } from "./call_span.ts";
import { isDeclared, outcomeOf } from "./call_outcome.ts";
import type { Clock } from "./clock.ts";
import type { CallKind, PeerRef } from "./events/event_base.ts";
import type { CallOutcome, Metrics } from "./metrics.ts";
import type { Observer } from "./observer.ts";
import { ReportBudget } from "./report_budget.ts";
import { stackOf, thrownRef } from "./thrown_ref.ts";

/** What is known of a call when it begins. */
export interface CallFacts {
  /** What is called. */
  readonly kind: CallKind;
  /** A name that we serve or call ourselves, never a peer's text. */
  readonly routine: string;
  /** The call's id, where it has one. */
  readonly id?: string | undefined;
  /** The other end, where it is known. */
  readonly peer?: PeerRef | undefined;
}

/** Records the calls of one end: counts and times them, ends their spans, reports those that fail. */
export class CallRecords {
  readonly metrics: Metrics;
  readonly #observer: Observer;
  readonly #side: HandshakeSide;
  readonly #budget: ReportBudget;

  constructor(observer: Observer, side: HandshakeSide, clock: Clock) {
    this.metrics = observer.metrics;
    this.#observer = observer;
    this.#side = side;
    this.#budget = new ReportBudget(clock);
  }

  /** A call begins, with its span where a tracer is registered. */
  begin(facts: CallFacts, span: CallSpan | undefined): CallRecord {
    return new CallRecord(this, this.#side, facts, span);
  }

  /** A call has failed, for another reason than that its caller left. */
  report(
    facts: CallFacts,
    peer: PeerRef | undefined,
    outcome: CallOutcome,
    thrown: unknown,
  ): void {
    // Who may not call is reported by what decides it, with the rule or the reason.
    if (this.#side === "worker" && DECIDED.has(outcome)) return;
    const unreported = this.#budget.take();
    if (unreported === undefined) return;
    const { kind, routine, id } = facts;
    const stack = this.#side === "worker" ? stackOf(thrown) : undefined;
    this.#observer.emit({
      type: "call.failed",
      side: this.#side,
      kind,
      routine,
      ...(id === undefined ? {} : { callId: id }),
      ...(peer === undefined ? {} : { peer: peerRef(peer) }),
      outcome,
      thrown: thrownRef(thrown),
      declared: isDeclared(thrown),
      unreported,
    }, { stack });
  }
}

const DECIDED: ReadonlySet<CallOutcome> = new Set(["denied", "unauthenticated"]);

/** What is recorded of one call, at either end; nothing, and for free, where nobody listens. */
export class CallRecord {
  readonly #records: CallRecords;
  readonly #side: HandshakeSide;
  readonly #facts: CallFacts;
  readonly #span: CallSpan | undefined;
  readonly #beganAt: number;

  constructor(
    records: CallRecords,
    side: HandshakeSide,
    facts: CallFacts,
    span: CallSpan | undefined,
  ) {
    this.#records = records;
    this.#side = side;
    this.#facts = facts;
    this.#span = span;
    this.#beganAt = records.metrics.recording ? performance.now() : 0;
    records.metrics.callBegan(side);
  }

  /** The call has answered. */
  succeeded(): void {
    this.#end("ok");
  }

  /**
   * The call has failed.
   *
   * @param error what its caller gets.
   * @param cancelled whether its caller is gone, or cancelled it: that is why, then.
   * @param thrown what was thrown, where that is another. Default: `error`.
   * @param peer the other end, where it was not known when the call began. Default: as it was known then.
   */
  failed(
    error: unknown,
    cancelled: boolean,
    thrown: unknown = error,
    peer: PeerRef | undefined = this.#facts.peer,
  ): void {
    const outcome = outcomeOf(error, cancelled);
    this.#end(outcome);
    if (outcome !== "cancelled") this.#records.report(this.#facts, peer, outcome, thrown);
  }

  /** The caller left its stream. */
  left(): void {
    this.#end("cancelled");
  }

  #end(outcome: CallOutcome): void {
    this.#span?.end(outcome);
    const { metrics } = this.#records;
    if (!metrics.recording) return;
    const durationMs = performance.now() - this.#beganAt;
    const { kind, routine } = this.#facts;
    metrics.callEnded({ side: this.#side, kind, routine }, outcome, durationMs);
  }
}

function peerRef({ address, identity }: PeerRef): PeerRef {
  return identity === undefined ? { address } : { address, identity };
}
