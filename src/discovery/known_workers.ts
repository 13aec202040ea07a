import type { DiscoveredWorker, DiscoveryChange } from "./discovery.ts";

/** More entries than this of one registry are not kept: its writers do not choose our memory. */
export const MAX_ENTRIES = 65_536;

/** Nor more characters than this of ids, addresses, tags and signatures together. */
export const MAX_CHARACTERS: number = 64 * 1024 * 1024;

/**
 * The workers that a registry holds, by the keys of their entries. Two entries may have one address: that of
 * a worker that is gone, and that of its successor, in whichever order the registry forgets them. Each change
 * takes the same time, however many entries there are, of whatever addresses.
 */
export class KnownWorkers {
  readonly #byKey = new Map<string, DiscoveredWorker>();
  /** The entries of each address; the one that was written last holds. */
  readonly #byAddress = new Map<string, EntriesOfAddress>();
  #characters = 0;

  /**
   * An entry is new, or changed.
   *
   * @throws {Error} If it is more than {@linkcode MAX_ENTRIES} or {@linkcode MAX_CHARACTERS}.
   */
  put(key: string, worker: DiscoveredWorker): readonly DiscoveryChange[] {
    const before = this.#byKey.get(key);
    const more = lengthOf(worker) - (before === undefined ? 0 : lengthOf(before));
    refuseTooMuch(this.#byKey.size + (before === undefined ? 1 : 0), this.#characters + more);
    return this.#put(key, worker);
  }

  /** An entry is gone. @returns what that changes. */
  delete(key: string): readonly DiscoveryChange[] {
    const before = this.#byKey.get(key);
    if (before === undefined) return [];
    this.#byKey.delete(key);
    this.#characters -= lengthOf(before);
    const { address } = before;
    const entries = this.#byAddress.get(address)!;
    const held = entries.newest === before;
    entries.delete(key);
    const other = entries.newest;
    if (other !== undefined) return held ? [{ kind: "updated", worker: other }] : [];
    this.#byAddress.delete(address);
    return [{ kind: "removed", address }];
  }

  /**
   * These are all the entries.
   *
   * @throws {Error} If they are more than {@linkcode MAX_ENTRIES} or {@linkcode MAX_CHARACTERS}; those that were
   * known stay.
   */
  replace(entries: ReadonlyMap<string, DiscoveredWorker>): readonly DiscoveryChange[] {
    let characters = 0;
    for (const worker of entries.values()) characters += lengthOf(worker);
    refuseTooMuch(entries.size, characters);
    const gone = [...this.#byKey.keys()].filter((key) => !entries.has(key));
    return [
      ...[...entries].flatMap(([key, worker]) => this.#put(key, worker)),
      ...gone.flatMap((key) => this.delete(key)),
    ];
  }

  #put(key: string, worker: DiscoveredWorker): readonly DiscoveryChange[] {
    const before = this.#byKey.get(key);
    if (before !== undefined && isSame(before, worker)) return [];
    const left = before?.address === worker.address ? [] : this.delete(key);
    if (before !== undefined && before.address === worker.address) {
      this.#characters -= lengthOf(before);
    }
    this.#characters += lengthOf(worker);
    const entries = this.#byAddress.get(worker.address) ?? new EntriesOfAddress();
    const kind = entries.newest === undefined ? "added" : "updated";
    entries.put(key, worker);
    this.#byAddress.set(worker.address, entries);
    this.#byKey.set(key, worker);
    return [...left, { kind, worker }];
  }
}

/** The entries of one address in the order in which they were written. */
class EntriesOfAddress {
  readonly #byKey = new Map<string, Written>();
  /** Those that are not the newest of their key, or are deleted, are dropped at the end. */
  #order: { readonly key: string; readonly written: Written }[] = [];

  /** The worker of the entry that was written last. */
  get newest(): DiscoveredWorker | undefined {
    for (let last = this.#order.at(-1); last !== undefined; last = this.#order.at(-1)) {
      if (this.#byKey.get(last.key) === last.written) return last.written.worker;
      this.#order.pop();
    }
    return undefined;
  }

  put(key: string, worker: DiscoveredWorker): void {
    const written = { worker };
    this.#byKey.set(key, written);
    this.#order.push({ key, written });
    this.#tidy();
  }

  delete(key: string): void {
    this.#byKey.delete(key);
    this.#tidy();
  }

  /** Keeps what is dropped later to half of all. */
  #tidy(): void {
    if (this.#order.length <= 2 * this.#byKey.size + 8) return;
    this.#order = this.#order.filter(({ key, written }) => this.#byKey.get(key) === written);
  }
}

interface Written {
  readonly worker: DiscoveredWorker;
}

function refuseTooMuch(entries: number, characters: number): void {
  if (entries <= MAX_ENTRIES && characters <= MAX_CHARACTERS) return;
  const most = entries > MAX_ENTRIES
    ? `${MAX_ENTRIES} workers`
    : `${MAX_CHARACTERS} characters about workers`;
  throw new Error(`it holds more than ${most}; those that were known stay in use`);
}

function lengthOf({ address, id = "", tags = [], signed = "" }: DiscoveredWorker): number {
  return tags.reduce((sum, tag) => sum + tag.length, address.length + id.length + signed.length);
}

function isSame(one: DiscoveredWorker, other: DiscoveredWorker): boolean {
  return one.address === other.address && one.id === other.id && one.signed === other.signed &&
    one.expected === other.expected && JSON.stringify(one.tags) === JSON.stringify(other.tags);
}
