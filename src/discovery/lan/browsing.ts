import { type Clock, pause } from "../../observe/mod.ts";
import type { DiscoveryChange } from "../discovery.ts";
import { KnownWorkers } from "../known_workers.ts";
import { Browser } from "./browser.ts";
import type { LanMessage } from "./message.ts";
import type { Multicast } from "./multicast.ts";
import type { LanNames } from "./names.ts";

/** The first waits between questions; each is twice as long as the one before (RFC 6762 §5.2). */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** So often it is tried again while there is no network, in milliseconds. */
const FAILED_WAIT_MS = 5_000;

/** Changes that come within this time are reported together, in milliseconds. */
const GATHER_MS = 100;

/** Changes are not reported more often, in milliseconds: records of anybody may flap. */
const GAP_MS = 1_000;

/** What browsing works with. */
export interface BrowseOptions {
  readonly names: LanNames;
  readonly loopback: boolean;
  readonly open: (onMessage: (message: LanMessage) => void) => Multicast;
  readonly settleMs: number;
  readonly clock: Clock;
}

/** The workers that are heard of, until it is aborted. */
export async function* browse(
  { names, loopback, open, settleMs, clock }: BrowseOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly DiscoveryChange[], void, undefined> {
  const browser = new Browser(names, loopback);
  const known = new KnownWorkers();
  const report = new Report();
  const news = new News();
  using multicast = open((message) => {
    if (browser.hear(message, clock.steady())) news.arrived();
  });
  const begun = clock.steady();
  let [askAt, waitMs, reportAt] = [begun, FIRST_WAIT_MS, begun + settleMs];
  for (let first = true; !signal.aborted;) {
    const now = clock.steady();
    if (now >= askAt) {
      report.outcome = await ask(multicast, browser, now);
      const failed = report.outcome !== undefined;
      askAt = now + (failed ? Math.min(waitMs, FAILED_WAIT_MS) : waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    // What is missing of a worker is asked for soon, and so is one that is about to be forgotten.
    const soon = browser.isIncomplete ? now : browser.nextDue(now);
    askAt = Math.min(askAt, Math.max(soon, now + FIRST_WAIT_MS));
    if (first) await pause(clock, Math.min(askAt, reportAt) - clock.steady(), signal);
    else {
      await news.wait(clock, askAt - clock.steady(), signal);
      await pause(clock, Math.max(GATHER_MS, reportAt - clock.steady()), signal);
    }
    if (signal.aborted) return;
    if (clock.steady() < reportAt) continue;
    news.taken();
    const { workers, rejected } = browser.heard(clock.steady());
    const changes = [...known.replace(workers), ...report.changes(rejected)];
    if (changes.length > 0) reportAt = clock.steady() + GAP_MS;
    if (first || changes.length > 0 || report.hasRecovered) yield changes;
    first = false;
  }
}

/** Whether anything was heard since it was looked at last. */
class News {
  #arrived = false;
  #wake: AbortController | undefined;

  arrived(): void {
    this.#arrived = true;
    this.#wake?.abort();
  }

  taken(): void {
    this.#arrived = false;
  }

  async wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
    if (this.#arrived) return;
    this.#wake = new AbortController();
    await pause(clock, delayMs, AbortSignal.any([signal, this.#wake.signal]));
  }
}

/** Queries every network. @returns why that was not possible. */
async function ask(
  multicast: Multicast,
  browser: Browser,
  now: number,
): Promise<string | undefined> {
  try {
    await multicast.refresh();
    await multicast.send(() => browser.query(now));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is reported once: that queries fail, and why announcements are not used. */
class Report {
  /** Why the last query failed; `undefined` where it did not. */
  outcome: string | undefined;
  #failure: string | undefined;
  #rejected = new Set<string>();
  #recovered = false;

  /** Whether queries work again since the last changes. */
  get hasRecovered(): boolean {
    return this.#recovered;
  }

  changes(rejected: readonly string[]): readonly DiscoveryChange[] {
    const changes = rejected.filter((message) => !this.#rejected.has(message))
      .map((message): DiscoveryChange => ({ kind: "rejected", message }));
    this.#rejected = new Set(rejected);
    this.#recovered = this.#failure !== undefined && this.outcome === undefined;
    if (this.outcome !== undefined && this.outcome !== this.#failure) {
      changes.push({ kind: "failed", message: this.outcome });
    }
    this.#failure = this.outcome;
    return changes;
  }
}
