/** Signed announcements: made by workers, demanded by dispatchers. */
import assert from "node:assert/strict";
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

/** What becomes of announcements, one after another. */
async function judged(...signed: readonly (Partial<Announcement> | undefined)[]) {
  const ending = new AbortController();
  const discovery: Discovery = {
    source: "memory:judged",
    namesWorkers: false,
    async *watch() {
      for (const more of signed) {
        const { id, address, tags, signed } = { signed: undefined, ...announcement, ...more };
        const worker = { id, address, tags, ...(signed === undefined ? {} : { signed }) };
        yield [{ kind: "added", worker }] as DiscoveryChange[];
      }
    },
  };
  const watched = signedDiscovery(discovery, {
    credentials: credentials(trust.clientPem()),
    identity: parsePatterns(WORKER_ID),
    clock: new ManualClock(NOW),
  }).watch(ending.signal);
  const changes = (await Array.fromAsync(watched)).flat();
  return changes.map((change) => change.kind === "rejected" ? change.message : change.kind);
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
  assert.deepEqual([first, again, second], ["added", "added", "added"]);
  assert.match(replayed!, /has signed a newer one/);
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
