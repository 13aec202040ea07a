/**
 * A discovery of one's own: workers announce themselves to a registry over HTTP, `PUT /ID` with a time to live, and
 * callers read all of them with `GET /`. `own_discovery_test.ts` checks it with the contract test.
 *
 * @module
 */
import type { Announcement, DiscoveredWorker, Discovery, DiscoveryChange } from "@selvage/runtime";

/** How often the registry is read, in milliseconds. */
const REFRESH_MS = 200;

/** How long a worker that dies stays registered, in milliseconds. */
const LEASE_MS = 15_000;

/** The discovery at a registry, `http://registry.internal` for instance. */
export function httpDiscovery(url: string): Discovery {
  return {
    // How events and errors name it.
    source: `http-registry:${url}`,
    // The registry does not say who a worker must prove to be: that is for the caller's `identity`.
    namesWorkers: false,
    watch: (signal) => watch(url, signal),
    async announce(announcement, { signal, leaseMs = LEASE_MS, onFailure = () => {} }) {
      let current = announcement;
      await put(url, current, leaseMs, signal);
      // Renewed well within its time, so that one lost request costs nothing.
      const renewal = setInterval(
        () => put(url, current, leaseMs).catch((error) => onFailure(String(error))),
        leaseMs / 3,
      );
      return {
        async update(next) {
          current = { ...next, id: announcement.id };
          await put(url, current, leaseMs);
        },
        async [Symbol.asyncDispose]() {
          clearInterval(renewal);
          // A registry that cannot be reached forgets by itself.
          await request(`${url}/${announcement.id}`, { method: "DELETE" }).catch(() => {});
        },
      };
    },
  };
}

/** Reports what has changed since the registry was read last; a registry that fails leaves its workers in use. */
async function* watch(
  url: string,
  signal: AbortSignal,
): AsyncGenerator<readonly DiscoveryChange[]> {
  let known: ReadonlyMap<string, DiscoveredWorker> = new Map();
  let failure: string | undefined;
  for (let first = true; !signal.aborted; first = false) {
    try {
      const now = await read(url, signal);
      const changes = difference(known, now);
      // The first batch, which may be empty, says that the registry was read; so does the first after a failure.
      if (first || failure !== undefined || changes.length > 0) yield changes;
      [known, failure] = [now, undefined];
    } catch (error) {
      if (signal.aborted) return;
      // Reported once, not each time.
      if (String(error) !== failure) yield [{ kind: "failed", message: String(error) }];
      failure = String(error);
    }
    await pause(REFRESH_MS, signal);
  }
}

/** The workers that are registered, by their addresses: one address is one worker. */
async function read(
  url: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, DiscoveredWorker>> {
  const listed: unknown = await (await request(url, { signal })).json();
  if (!Array.isArray(listed)) throw new Error("the registry lists no workers");
  // What others have written is copied member by member; an announcement must never set `expected`.
  const workers = listed.map(({ id, address, tags, signed }): DiscoveredWorker => ({
    id,
    address,
    tags,
    ...(signed === undefined ? {} : { signed }),
  }));
  return new Map(workers.map((worker) => [worker.address, worker]));
}

function difference(
  before: ReadonlyMap<string, DiscoveredWorker>,
  now: ReadonlyMap<string, DiscoveredWorker>,
): DiscoveryChange[] {
  const changes: DiscoveryChange[] = [];
  for (const address of before.keys()) {
    if (!now.has(address)) changes.push({ kind: "removed", address });
  }
  for (const [address, worker] of now) {
    const known = before.get(address);
    if (known === undefined) changes.push({ kind: "added", worker });
    else if (JSON.stringify(known) !== JSON.stringify(worker)) {
      changes.push({ kind: "updated", worker });
    }
  }
  return changes;
}

async function put(
  url: string,
  announcement: Announcement,
  leaseMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const body = JSON.stringify({ ...announcement, leaseMs });
  await request(`${url}/${announcement.id}`, { method: "PUT", body, signal: signal ?? null });
}

/** One request, which no silent registry holds up. */
async function request(url: string, init: RequestInit): Promise<Response> {
  const timeout = AbortSignal.timeout(5_000);
  const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
  const response = await fetch(url, { ...init, signal });
  if (response.ok) return response;
  await response.body?.cancel();
  throw new Error(`the registry answers ${response.status}`);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
