import { escapePeerText } from "../errors/mod.ts";
import type { WorkerFault } from "./events/call_events.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { PeerRef } from "./events/event_base.ts";
import type { Observer } from "./observer.ts";
import { ReportBudget } from "./report_budget.ts";
import { stackOf, thrownRef } from "./thrown_ref.ts";
import { present } from "../values/mod.ts";

/** Reports errors of our own, of any layer, at a limited rate. Never throws. */
export class Faults {
  readonly #observer: Observer;
  readonly #budget: ReportBudget;

  constructor(observer: Observer, clock: Clock = systemClock) {
    this.#observer = observer;
    this.#budget = new ReportBudget(clock);
  }

  /**
   * Reports one.
   *
   * @param thrown what was thrown; its stack goes to the log alone.
   */
  report(
    part: WorkerFault["part"],
    thrown: unknown,
    about: { readonly path?: string; readonly peer?: PeerRef } = {},
  ): void {
    const unreported = this.#budget.take();
    if (unreported === undefined) return;
    this.#observer.emit({
      type: "worker.fault",
      part,
      thrown: thrownRef(thrown),
      unreported,
      ...(about.path === undefined ? {} : { path: escapePeerText(about.path) }),
      ...present({ peer: about.peer }),
    }, { stack: stackOf(thrown) });
  }
}
