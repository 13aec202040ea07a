import type {
  Announcement,
  DiscoveredWorker,
  Discovery,
  DiscoveryChange,
} from "../discovery/mod.ts";

/** What a discovery is checked with. */
export interface DiscoveryContractOptions {
  /** How long a change may take to be reported, in milliseconds. Default 10,000. */
  readonly withinMs?: number;
}

/**
 * Checks that a discovery does what dispatchers and workers rely on: the first batch, announcing, changing
 * and withdrawing, several watchers, and the end of a watch. For discoveries of your own.
 *
 * @param open Opens the discovery on the same registry each time, as several processes would.
 * @param options How patient the check is.
 * @throws {Error} The first thing that it does not do, in one sentence.
 *
 * @example Check a discovery in a test
 * ```ts
 * import { memoryDiscovery } from "@selvage/runtime";
 * import { checkDiscovery } from "@selvage/runtime/testing";
 *
 * const registry = memoryDiscovery();
 * await checkDiscovery(() => registry);
 * ```
 */
export async function checkDiscovery(
  open: () => Discovery | Promise<Discovery>,
  options: DiscoveryContractOptions = {},
): Promise<void> {
  const { withinMs = 10_000 } = options;
  await using early = new Watcher(await open(), withinMs);
  await early.next("a first batch, even if it is empty");
  const announcer = await open();
  if (announcer.announce === undefined) return;
  const { signal } = new AbortController();
  const first = announcementOf("contract-a", "127.0.0.1:1001", ["gpu", "eu"]);
  const lease = await announcer.announce(first, { signal });
  await using other = await announcer.announce(
    announcementOf("contract-b", "127.0.0.1:1002", []),
    { signal },
  );
  await early.until("what is announced", ({ size }) => size === 2);
  early.expect(first);
  await using late = new Watcher(await open(), withinMs);
  await late.next("a first batch");
  if (late.known.size !== 2) {
    throw new Error("the first batch of a later watch does not hold all that is announced");
  }
  const changed = { ...announcementOf("contract-a", "127.0.0.1:1001", ["us"]), signed: "signed-2" };
  await lease.update(changed);
  for (const watcher of [early, late]) {
    await watcher.until(
      "an update under the same address",
      (known) => known.get(changed.address)?.signed === changed.signed,
    );
    watcher.expect(changed);
  }
  const moved = announcementOf("contract-a", "127.0.0.1:1003", []);
  await lease.update(moved);
  await early.until(
    "an update with another address",
    (known) => known.has(moved.address) && !known.has(changed.address),
  );
  await lease[Symbol.asyncDispose]();
  for (const watcher of [early, late]) {
    await watcher.until("that one has been withdrawn", (known) => [...known].length === 1);
  }
  await lease[Symbol.asyncDispose]();
  await refusesAborted(announcer, moved);
  await other[Symbol.asyncDispose]();
}

async function refusesAborted(discovery: Discovery, announcement: Announcement): Promise<void> {
  let lease: AsyncDisposable | undefined;
  try {
    lease = await discovery.announce!(announcement, { signal: AbortSignal.abort() });
  } catch {
    return;
  }
  await lease[Symbol.asyncDispose]();
  throw new Error("an announcement whose signal has aborted was made all the same");
}

function announcementOf(id: string, address: string, tags: readonly string[]): Announcement {
  return { id, address, tls: true, tags, signed: `signed-${id}` };
}

/** One watch, and what it knows. */
class Watcher implements AsyncDisposable {
  readonly known = new Map<string, DiscoveredWorker>();
  readonly #withinMs: number;
  readonly #stop = new AbortController();
  readonly #batches: AsyncIterator<readonly DiscoveryChange[]>;

  constructor(discovery: Discovery, withinMs: number) {
    this.#withinMs = withinMs;
    this.#batches = discovery.watch(this.#stop.signal)[Symbol.asyncIterator]();
  }

  async next(what: string): Promise<void> {
    const { value, done } = await this.#batch(what);
    if (done) throw new Error(`the watch has ended before its signal, without ${what}`);
    for (const change of value) {
      if (change.kind === "failed" || change.kind === "rejected") {
        throw new Error(`the watch reports a failure: ${change.message}`);
      }
      if (change.kind === "removed") this.known.delete(change.address);
      else this.known.set(change.worker.address, change.worker);
    }
  }

  async until(what: string, holds: (known: Watcher["known"]) => boolean): Promise<void> {
    while (!holds(this.known)) await this.next(what);
  }

  /** Whether it knows a worker as it was announced. */
  expect({ id, address, tags, signed }: Announcement): void {
    const found = this.known.get(address);
    const expected = JSON.stringify([id, tags, signed]);
    const actual = JSON.stringify([found?.id, found?.tags, found?.signed]);
    if (actual === expected) return;
    throw new Error(`what was announced as ${expected} was found as ${actual}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (;;) {
      if ((await this.#batch("its end after its signal")).done) return;
    }
  }

  async #batch(what: string): Promise<IteratorResult<readonly DiscoveryChange[]>> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const error = new Error(`the watch has not reported ${what} within ${this.#withinMs} ms`);
    const timer = setTimeout(() => reject(error), this.#withinMs);
    return await Promise.race([this.#batches.next(), late]).finally(() => clearTimeout(timer));
  }
}
