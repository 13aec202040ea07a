/** Signed announcements: made by workers, demanded by dispatchers. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { assemble, CredentialsStore } from "../../src/credentials/mod.ts";
import {
  type Announcement,
  type AnnouncementLease,
  type Discovery,
  type DiscoveryChange,
  memoryDiscovery,
  signedDiscovery,
  signStatement,
} from "../../src/discovery/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { parsePatterns } from "../../src/identity/mod.ts";
import { Publication } from "../../src/worker/publication.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust, WORKER_ID } from "../e2e/trust.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { Watched } from "../support/watched.ts";

const NOW = Date.now();
const trust = new Trust();
const announcement = { id: "w1", address: "10.0.0.1:8443", tls: true, tags: ["gpu"] };

/** Credentials that do not change. */
function credentials(pem: ReturnType<Trust["worker"]>, clock = new ManualClock(NOW)) {
  const store = new CredentialsStore({ clock }, () => Promise.resolve());
  store.offerFirst(assemble(pem, clock.now()));
  return store;
}

/** What is signed about an announcement at a time, by a worker of a trust. */
function signedBy(
  by: Trust,
  { at = NOW, sequence = at, identity = WORKER_ID, ...more }: Partial<Announcement> & {
    at?: number;
    sequence?: number;
    identity?: string;
  } = {},
): string {
  const material = credentials(by.worker(identity)).current();
  const { chain } = material.own!;
  return signStatement({ ...announcement, ...more, at, sequence }, {
    chain,
    keyPem: material.pem().key!,
  });
}

/** What becomes of batches of announcements. */
async function outcomes(batches: readonly (readonly (Partial<Announcement> | undefined)[])[]) {
  const discovery: Discovery = {
    source: "memory:judged",
    namesWorkers: false,
    async *watch() {
      for (const batch of batches) {
        yield batch.map((more): DiscoveryChange => {
          const { id, address, tags, signed } = { signed: undefined, ...announcement, ...more };
          const worker = { id, address, tags, ...(signed === undefined ? {} : { signed }) };
          return { kind: "added", worker };
        });
      }
    },
  };
  const watched = signedDiscovery(discovery, {
    credentials: credentials(trust.clientPem()),
    identity: parsePatterns(WORKER_ID),
    clock: new ManualClock(NOW),
  }).watch(new AbortController().signal);
  const changes = (await Array.fromAsync(watched)).flat();
  return changes.map((change) => change.kind === "rejected" ? change.message : change.kind);
}

/** What becomes of announcements, one after another. */
function judged(...signed: readonly (Partial<Announcement> | undefined)[]) {
  return outcomes(signed.map((one) => [one]));
}

Deno.test("an announcement is used where the worker signed it, and rejected where anything of it is another's", async () => {
  const good = signedBy(trust);
  const [head, , signature, chain] = good.split(".");
  const forged = btoa(JSON.stringify({ ...announcement, at: NOW, sequence: NOW + 1 }))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const cases: readonly (readonly [string, Partial<Announcement> | undefined, RegExp])[] = [
    ["as it was signed", { signed: good }, /^added$/],
    ["unsigned", {}, /not signed/],
    ["no statement", { signed: "sa1.x" }, /cannot be read/],
    ["no JSON", { signed: "sa1.e30x.e30.e30" }, /is not JSON/],
    ["another address", { signed: good, address: "10.0.0.2:8443" }, /for another worker/],
    ["another id", { signed: good, id: "w2" }, /for another worker/],
    ["other tags", { signed: good, tags: ["gpu", "eu"] }, /tags were changed/],
    ["stale", { signed: signedBy(trust, { at: NOW - 300_001 }) }, /five minutes ago/],
    ["of the future", { signed: signedBy(trust, { at: NOW + 30_001 }) }, /in the future/],
    ["tampered", { signed: [head, forged, signature, chain].join(".") }, /signature is invalid/],
    ["a foreign authority", { signed: signedBy(new Trust()) }, /untrusted-authority/],
    [
      "another identity",
      { signed: signedBy(trust, { identity: "spiffe://example.org/other" }) },
      /identity-mismatch/,
    ],
  ];
  for (const [about, given, outcome] of cases) {
    const [found] = await judged(given);
    assert.match(found!, outcome, about);
  }
});

Deno.test("a lower sequence never wins, and the same announcement may come again", async () => {
  const one = { signed: signedBy(trust, { sequence: 1 }) };
  const two = { signed: signedBy(trust, { sequence: 2 }) };
  const [first, again, second, replayed] = await judged(one, one, two, one);
  assert.deepEqual([first, again, second], ["added", "updated", "updated"]);
  assert.match(replayed!, /has signed a newer one/);
});

/** A registry of which signed announcements alone are used, and what is put into it. */
function watchedRegistry() {
  const clock = new ManualClock(NOW);
  const registry = memoryDiscovery();
  const watched = new Watched(signedDiscovery(registry, {
    credentials: credentials(trust.clientPem()),
    identity: parsePatterns(WORKER_ID),
    clock,
  }));
  const { signal } = new AbortController();
  const put = (signed: string) => registry.announce({ ...announcement, signed }, { signal });
  return { clock, watched, put };
}

Deno.test("an announcement that is not signed again is given up five minutes after it was signed, also where it comes again", async () => {
  const { clock, watched, put } = watchedRegistry();
  await using _watched = watched;
  await watched.next();
  const signed = signedBy(trust, { at: NOW - 1_000 });
  await put(signed);
  await watched.next();
  assert.deepEqual(watched.addresses, [announcement.address]);
  clock.advance(298_000);
  await put(signed);
  await watched.next();
  const end = watched.next();
  await clock.advanceInTurns(999);
  assert.deepEqual(watched.rejected, []);
  await clock.advanceInTurns(1);
  assert.deepEqual((await end).map(({ kind }) => kind), ["rejected", "removed"]);
  assert.match(watched.rejected[0]!, /not signed again within five minutes/);
  assert.deepEqual(watched.addresses, []);
  await put(signedBy(trust, { at: clock.now() }));
  assert.deepEqual((await watched.next()).map(({ kind }) => kind), ["added"]);
});

Deno.test("an announcement signed by a clock that is ahead is believed for five minutes by ours", async () => {
  const { clock, watched, put } = watchedRegistry();
  await using _watched = watched;
  await watched.next();
  await put(signedBy(trust, { at: NOW + 30_000 }));
  await watched.next();
  const end = watched.next();
  await clock.advanceInTurns(300_000);
  assert.deepEqual((await end).map(({ kind }) => kind), ["rejected", "removed"]);
});

Deno.test("announcements are judged in turns, so that whatever else is ready runs between them", async () => {
  const count = 25;
  const signed = Array.from({ length: count }, (_, i) => {
    const id = `w${i}`;
    const address = `10.0.0.1:${i + 1}`;
    return { id, address, signed: signedBy(trust, { id, address }) };
  });
  let turns = 0;
  let over = false;
  const every = () => {
    turns += 1;
    if (!over) setImmediate(every);
  };
  setImmediate(every);
  const found = await outcomes([signed]);
  over = true;
  assert.deepEqual(new Set(found), new Set(["added"]));
  // At least the leaf's signature and the statement's, each in a turn of its own.
  assert(turns >= 2 * count, `${turns} turns`);
});

Deno.test("a watch ends at once while announcements are judged", async () => {
  const { clock } = watchedRegistry();
  const ending = new AbortController();
  const signed = signedBy(trust);
  const watch = signedDiscovery({
    source: "memory:many",
    namesWorkers: false,
    async *watch() {
      const one = { kind: "added", worker: { ...announcement, signed } } as const;
      yield Array.from({ length: 10_000 }, () => one);
    },
  }, {
    credentials: credentials(trust.clientPem()),
    identity: parsePatterns(WORKER_ID),
    clock,
  }).watch(ending.signal)[Symbol.asyncIterator]();
  const first = watch.next();
  await new Promise((resolve) => setImmediate(resolve));
  ending.abort();
  assert((await first).value.length < 10_000);
  assert.equal((await watch.next()).done, true);
});

Deno.test("a worker signs its announcement again at half of its life, and with a new certificate", async () => {
  const clock = new ManualClock(NOW);
  const store = credentials(trust.worker(), clock);
  const made: Announcement[] = [];
  const lease: AnnouncementLease = {
    update: (next) => Promise.resolve(void made.push(next)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const discovery: Discovery = {
    ...memoryDiscovery(),
    announce: (first) => (made.push(first), Promise.resolve(lease)),
  };
  const observer = new RecordingObserver();
  const publication = await Publication.start({
    discovery: { ...discovery, source: "etcd:http://127.0.0.1:1/a" },
    announcement: { ...announcement, address: "127.0.0.1:8443" },
    credentials: store,
    clock,
    observer,
  });
  assert.deepEqual(observer.events.map(({ type }) => type), ["security.loopback-announced"]);
  await clock.advanceInTurns(150_000);
  assert.equal(made.length, 2);
  store.offer(assemble(trust.worker(), clock.now()));
  await clock.advanceInTurns(0);
  assert.equal(made.length, 3);
  assert.equal(new Set(made.map(({ signed }) => signed)).size, 3);
  await publication[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("a dispatcher that demands signed announcements calls the worker that signed, and no other", async () => {
  const routines = { answer: routine("signed.answer", () => 42) };
  const registry = memoryDiscovery();
  await using worker = await startWorker(trust, { routines, publish: registry, id: "w1" });
  await using dispatcher = await openDispatcher(trust, worker.address, {
    discovery: registry,
    announcements: "signed",
  });
  using events = dispatcher.events();
  assert.equal(await dispatcher.call(routines.answer, []), 42);
  const { signal } = new AbortController();
  const other = { id: "w2", address: "127.0.0.1:1", tls: true, tags: [] };
  await using _unsigned = await registry.announce(other, { signal });
  for await (const event of events) {
    if (event.type !== "discovery.rejected") continue;
    assert.equal(event.address, other.address);
    break;
  }
  assert.deepEqual(dispatcher.workers().map(({ id }) => id), ["w1"]);
  await worker.drain();
  await assert.rejects(dispatcher.call(routines.answer, []), { name: "NoWorkersAvailable" });
});

Deno.test("settings by which no announcement could be believed, or made, are refused", async () => {
  for (
    const options of [
      { announcements: "signed" },
      { announcements: "signed", discovery: memoryDiscovery(), credentials: undefined },
    ] as const
  ) {
    await assert.rejects(openDispatcher(trust, "127.0.0.1:1", options), {
      name: "ConfigurationError",
    });
  }
  await assert.rejects(startWorker(trust, { publish: "static:127.0.0.1:1" }), {
    name: "ConfigurationError",
    setting: "publish",
  });
});
