import { WorkerUnavailable } from "../errors/mod.ts";
import type { Clock, Observer } from "../observe/mod.ts";
import type { PeerListener } from "../peer/mod.ts";
import type { CallGate } from "./admission/call_gate.ts";
import type { CallQueue } from "./admission/call_queue.ts";
import type { WorkerHealth } from "./health/health.ts";
import { within } from "./within.ts";

/** How long those who watch the worker's health may take to let go of it, in milliseconds. */
const HEALTH_GRACE_MS = 1_000;

/** What a worker leaves behind. */
export interface LeavingOptions {
  readonly id: string;
  readonly gate: CallGate;
  /** Calls that wait for a place are refused at once, so that they go elsewhere. */
  readonly queue: Pick<CallQueue, "refuseAll">;
  readonly health: WorkerHealth;
  readonly observer: Observer;
  readonly clock: Clock;
  /** How long calls are still taken once discovery and health say that it leaves, in milliseconds. */
  readonly announceGraceMs: number;
}

/** How a worker stops taking calls, and then stops. */
export class Leaving {
  readonly #options: LeavingOptions;
  #refusal: WorkerUnavailable | undefined;

  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  /** Why no call is taken any more, once that is so. */
  get refusal(): WorkerUnavailable | undefined {
    return this.#refusal;
  }

  /**
   * Reports that it is not serving, and goes on taking calls for `announceGraceMs`, while callers learn that it
   * leaves. Then takes no more calls, asks every peer to leave, and lets go of everything once the last
   * connection is over, or the grace is.
   *
   * @param graceMs how long all this may take, `announceGraceMs` included.
   */
  async leave(
    listeners: readonly PeerListener[],
    healthListener: PeerListener | undefined,
    resources: AsyncDisposable,
    graceMs: number,
  ): Promise<void> {
    const { id, gate, queue, health, observer, clock } = this.#options;
    const announceMs = Math.min(this.#options.announceGraceMs, graceMs);
    observer.emit({ type: "worker.draining", workerId: id, inFlight: gate.inFlight, graceMs });
    health.stopServing();
    if (announceMs > 0) await new Promise<void>((over) => clock.schedule(over, announceMs));
    this.#refusal = new WorkerUnavailable(`worker ${id} is leaving`, {
      worker: { address: "", id },
      notBegun: true,
    });
    queue.refuseAll(this.#refusal);
    const drained = Promise.all(listeners.map((listener) => listener.drain()));
    await within(clock, graceMs - announceMs, drained);
    // Until here probes could see it leave; none of them may delay it.
    if (healthListener !== undefined) {
      await within(clock, HEALTH_GRACE_MS, healthListener.drain());
    }
    const abandoned = gate.inFlight;
    observer.emit({ type: "worker.stopped", workerId: id, abandoned });
    await resources[Symbol.asyncDispose]();
  }
}
