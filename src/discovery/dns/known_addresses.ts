import type { DiscoveredWorker, DiscoveryChange } from "../discovery.ts";
import type { Found } from "./lookups.ts";

/**
 * So many times in a row a name server must say that a name is gone before workers that were found are
 * dropped: a server that has just started, or lost its zone, says the same.
 */
const NEGATIVE_ANSWERS = 3;

/** What one look-up has found, and how it changes. */
export class KnownAddresses {
  readonly #label: string;
  readonly #expected: string | undefined;
  #known: ReadonlySet<string> = new Set();
  #negative = 0;
  #reported: string | undefined;
  /** Why there are none, by the last answer. */
  none: string | undefined;

  /** @param label What is looked up, as failures name it. */
  constructor(label: string, expected: string | undefined) {
    this.#label = label;
    this.#expected = expected;
  }

  /** Whether a server has answered that there are none. */
  get isEmpty(): boolean {
    return this.#known.size === 0 && this.#reported === undefined;
  }

  /** The changes that an answer leads to; `undefined` where there is nothing to report. */
  found({ addresses, none, incomplete }: Found): readonly DiscoveryChange[] | undefined {
    if (addresses.length === 0 && this.#known.size > 0 && ++this.#negative < NEGATIVE_ANSWERS) {
      return this.#reportFailure(
        `${none} now; what was found is kept until that is answered again`,
      );
    }
    this.#negative = 0;
    this.none = none;
    const before = this.#known;
    this.#known = new Set(addresses);
    const changes: DiscoveryChange[] = [
      ...before.difference(this.#known).values()
        .map((address): DiscoveryChange => ({ kind: "removed", address })),
      ...this.#known.difference(before).values()
        .map((address): DiscoveryChange => ({ kind: "added", worker: this.#worker(address) })),
    ];
    const reported = this.#reportFailure(incomplete);
    return reported === undefined && changes.length === 0
      ? undefined
      : [...changes, ...reported ?? []];
  }

  /** A server is ill: what was found stays. */
  failed({ message }: Error): readonly DiscoveryChange[] | undefined {
    return this.#reportFailure(message);
  }

  /** Reports a failure once, and by an empty batch that it is over. */
  #reportFailure(failure: string | undefined): readonly DiscoveryChange[] | undefined {
    if (failure === this.#reported) return undefined;
    this.#reported = failure;
    if (failure === undefined) return [];
    return [{ kind: "failed", message: `${this.#label}: ${failure}` }];
  }

  #worker(address: string): DiscoveredWorker {
    return this.#expected === undefined ? { address } : { address, expected: this.#expected };
  }
}
