import { type Clock, whenDue } from "../observe/mod.ts";
import type { DiscoveredWorker, Discovery, DiscoveryChange } from "./discovery.ts";
import { type SignedDiscoveryOptions, StatementJudge } from "./statement_judge.ts";

/**
 * A discovery of which only announcements are used that a worker has signed with the key of its own certificate:
 * others are `rejected`, and what was found before stays. An announcement that is not signed again in time is
 * `rejected` and its worker `removed`, five minutes after it was signed: a connection to it that is open stays in use.
 */
export function signedDiscovery(
  discovery: Discovery,
  options: SignedDiscoveryOptions,
): Discovery {
  const judge = new StatementJudge(options);
  const { source, namesWorkers } = discovery;
  return {
    source,
    namesWorkers,
    get expectsMore() {
      return discovery.expectsMore === true;
    },
    async *watch(signal) {
      const stop = new AbortController();
      const either = AbortSignal.any([signal, stop.signal]);
      const batches = discovery.watch(either)[Symbol.asyncIterator]();
      const believed = new BelievedWorkers(judge, options.clock);
      let next: Promise<IteratorResult<readonly DiscoveryChange[]>> | undefined;
      try {
        while (!signal.aborted) {
          next ??= batches.next();
          const came = await believed.orExpiry(next);
          if (came === undefined) {
            yield believed.expired();
            continue;
          }
          next = undefined;
          if (came.done) return;
          yield await believed.judged(came.value, signal);
        }
      } finally {
        stop.abort();
        await batches.return?.();
      }
    },
  };
}

/** The workers of one watch whose announcements are believed, and until when. */
class BelievedWorkers {
  readonly #judge: StatementJudge;
  readonly #clock: Clock;
  /** By address. */
  readonly #until = new Map<string, number>();

  constructor(judge: StatementJudge, clock: Clock) {
    this.#judge = judge;
    this.#clock = clock;
  }

  /** What becomes of a batch; a part of it where the signal aborts. */
  async judged(
    batch: readonly DiscoveryChange[],
    signal: AbortSignal,
  ): Promise<readonly DiscoveryChange[]> {
    const changes: DiscoveryChange[] = [];
    for (const change of batch) {
      if (signal.aborted) break;
      if (change.kind === "added" || change.kind === "updated") {
        changes.push(await this.#believed(change.worker));
        continue;
      }
      if (change.kind === "removed") this.#until.delete(change.address);
      changes.push(change);
    }
    return changes;
  }

  /** Waits for what comes; `undefined` where an announcement expires before. */
  async orExpiry<T>(coming: Promise<T>): Promise<T | undefined> {
    if (this.#until.size === 0) return await coming;
    const { promise: expiry, resolve } = Promise.withResolvers<undefined>();
    const first = [...this.#until.values()].reduce((one, other) => Math.min(one, other));
    const leftMs = () => first - this.#clock.now();
    using _timer = whenDue(this.#clock, leftMs, () => resolve(undefined), { background: true });
    return await Promise.race([coming, expiry]);
  }

  /** Gives up the workers whose announcements have expired. */
  expired(): readonly DiscoveryChange[] {
    const now = this.#clock.now();
    const addresses = [...this.#until].flatMap(([address, until]) => until <= now ? [address] : []);
    return addresses.flatMap((address) => {
      this.#until.delete(address);
      const message =
        `the announcement of ${address} is no longer used: it was not signed again within five minutes`;
      return [{ kind: "rejected", message, address }, { kind: "removed", address, lapsed: true }];
    });
  }

  async #believed(announced: DiscoveredWorker): Promise<DiscoveryChange> {
    const { address } = announced;
    try {
      const { worker, until } = await this.#judge.believe(announced);
      const kind = this.#until.has(address) ? "updated" : "added";
      this.#until.set(address, until);
      return { kind, worker };
    } catch (error) {
      const message = `the announcement of ${address} is not used: ${(error as Error).message}`;
      return { kind: "rejected", message, address };
    }
  }
}
