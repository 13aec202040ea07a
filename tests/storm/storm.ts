/**
 * Several dispatchers against several workers, each in a process of its own, while authorities roll over,
 * workers are drained, killed and started again, and one caller is denied and allowed, all at once.
 */
import { Credentials } from "../../src/credentials/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import type { TestCertificate } from "../support/certificates.ts";
import { ALLOWED, makeRoot, type Version, WORKER_ID } from "../rotation/versions.ts";
import { StormCaller } from "./caller.ts";
import { callerId, Ground } from "./ground.ts";
import { type Held, kept, LOOK_MS, LOOKS } from "./held.ts";
import { contradictions, runsIn } from "./ledger.ts";
import { held, run } from "./routines.ts";
import { WorkerSlot } from "./worker_slot.ts";

/** How long a storm lasts: each thing happens so often, and until the time is over. */
export interface StormOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** The result of a storm. */
export interface StormReport {
  readonly calls: number;
  /** Calls by how they ended; failed ones were at a worker that was killed, or of a caller that was denied. */
  readonly endings: Readonly<Record<string, number>>;
  readonly rollOvers: number;
  readonly drained: number;
  readonly killed: number;
  readonly denials: number;
  /** Everything that must not be, in sentences. */
  readonly wrong: readonly string[];
}

const STEADY_CALLERS = ["a", "b"];
const DENIED_CALLER = "c";
/** This process: it asks workers what they hold, and tries certificates of authorities that were removed. */
const WATCH = "watch";
/** Calls that are waited for in each phase of a denial. */
const CALLS_A_PHASE = 5;

/** Has it all happen. */
export async function storm(options: StormOptions): Promise<StormReport> {
  await using resources = new AsyncDisposableStack();
  const names = [...STEADY_CALLERS, DENIED_CALLER, WATCH];
  const root = makeRoot("root 0");
  const ground = resources.use(await Ground.lay(names, root));
  const fleet = resources.use(new Fleet(ground));
  await fleet.start();
  const callers = [...STEADY_CALLERS, DENIED_CALLER].map((name) =>
    resources.use(
      new StormCaller({
        name,
        discovery: ground.discovery,
        workers: fleet.size,
        files: ground.files(name),
        identity: WORKER_ID,
      }),
    )
  );
  await Promise.all(callers.map((caller) => caller.callsOn("allowed", CALLS_A_PHASE)));
  const until = performance.now() + options.seconds * 1000;
  const goesOn = (round: number) => round < options.rounds || performance.now() < until;
  const wrong: string[] = [];
  const [rollOvers, restarts, denials] = await Promise.all([
    rollOver({ ground, fleet, callers, goesOn, wrong }, root),
    fleet.restartAgainAndAgain(goesOn),
    deny({ ground, fleet, callers, goesOn, wrong }),
  ]);
  for (const caller of callers) await caller.callsOn("allowed", CALLS_A_PHASE);
  for (const caller of callers) wrong.push(...await caller.end());
  wrong.push(...await fleet.end());
  const calls = callers.flatMap((caller) => caller.calls);
  const runs = runsIn(await Deno.readTextFile(ground.ledger));
  wrong.push(...contradictions(calls, runs, fleet.killed));
  const endings: Record<string, number> = {};
  for (const { how } of calls) endings[how] = (endings[how] ?? 0) + 1;
  return { calls: calls.length, endings, rollOvers, ...restarts, denials, wrong };
}

/** What happens beside the calls is given. */
interface Weather {
  readonly ground: Ground;
  readonly fleet: Fleet;
  readonly callers: readonly StormCaller[];
  readonly goesOn: (round: number) => boolean;
  readonly wrong: string[];
}

/** The workers: the first lives through it all, the others are restarted. */
class Fleet implements AsyncDisposable {
  readonly #ground: Ground;
  readonly #slots: readonly WorkerSlot[];
  /** What each held before it was listed. */
  readonly #before = new Map<WorkerSlot, Held>();

  constructor(ground: Ground) {
    this.#ground = ground;
    const { ca, cert, key } = ground.files("worker");
    const flags = ["--ca", ca, "--cert", cert, "--key", key, "--allow", ALLOWED];
    const slot = () =>
      new WorkerSlot([...flags, "--denylist", ground.denylist], { STORM_LEDGER: ground.ledger });
    this.#slots = [slot(), slot(), slot()];
  }

  /** How many workers there are. */
  get size(): number {
    return this.#slots.length;
  }

  /** The addresses of all processes that were killed. */
  get killed(): ReadonlySet<string> {
    return new Set(this.#slots.flatMap(({ killed }) => [...killed]));
  }

  /** The address of the worker that is never restarted. */
  get steady(): string {
    return this.#slots[0]!.address!;
  }

  async start(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#boot(slot)));
    await this.#list();
  }

  /** Resolves once every worker uses these credentials. */
  async adopted(change: number, { fingerprint }: Version): Promise<void> {
    await Promise.all(
      this.#slots.map((slot) =>
        slot.uses(change, (seen) => seen.kind === "credentials" && seen.fingerprint === fingerprint)
      ),
    );
  }

  /** Resolves once every worker uses the denylist of so many entries. */
  async denies(change: number, entries: number): Promise<void> {
    await Promise.all(
      this.#slots.map((slot) =>
        slot.uses(change, (seen) => seen.kind === "denylist" && seen.entries === entries)
      ),
    );
  }

  /** Ends one of those that may be restarted, and starts it again: drained and killed in turn. */
  async restartAgainAndAgain(
    goesOn: (round: number) => boolean,
  ): Promise<{ readonly drained: number; readonly killed: number }> {
    const counts = { drained: 0, killed: 0 };
    for (let round = 0; goesOn(round); round++) {
      for (const [index, how] of (["drained", "killed"] as const).entries()) {
        const slot = this.#slots[1 + (index + round) % 2]!;
        await slot.end(how);
        counts[how] += 1;
        await this.#begin(slot);
      }
    }
    return counts;
  }

  /** Drains all; they must have returned what they took. @returns What is wrong, in sentences. */
  async end(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const slot of this.#slots) {
      const before = this.#before.get(slot)!;
      wrong.push(...await this.#keeps(slot, before));
      await slot.end("drained");
      wrong.push(...slot.badEnds.map((code) => `a worker that was drained ended with ${code}`));
    }
    return wrong;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot[Symbol.asyncDispose]()));
  }

  async #begin(slot: WorkerSlot): Promise<void> {
    await this.#ground.undisturbed(() => this.#boot(slot));
    await this.#list();
  }

  async #boot(slot: WorkerSlot): Promise<void> {
    await slot.start(this.#ground.changes);
    this.#before.set(slot, await this.#heldBy(slot));
  }

  #list(): Promise<void> {
    return this.#ground.list(this.#slots.flatMap(({ address }) => address ?? []));
  }

  async #keeps(slot: WorkerSlot, before: Held): Promise<readonly string[]> {
    for (let look = 1;; look++) {
      const wrong = kept(`worker ${slot.address}`, before, await this.#heldBy(slot));
      if (wrong.length === 0 || look === LOOKS) return wrong;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async #heldBy(slot: WorkerSlot): Promise<Held> {
    await using dispatcher = await Dispatcher.open({
      discovery: `static:${slot.address}`,
      credentials: Credentials.fromFiles(this.#ground.files(WATCH)),
      identity: WORKER_ID,
    });
    return await dispatcher.call(held, [], { timeoutMs: 0 });
  }
}

/** Each round another authority takes the place of the last one, in three stages. */
async function rollOver(
  { ground, fleet, callers, goesOn, wrong }: Weather,
  first: TestCertificate,
): Promise<number> {
  let old = first;
  let round = 0;
  for (; goesOn(round); round++) {
    const next = makeRoot(`root ${round + 1}`);
    let former: Version | undefined;
    for (const authorities of [[old, next], [next, old], [next]] as const) {
      const versions = ground.versions(authorities);
      former ??= versions.get(WATCH)!;
      const change = await ground.rewrite(versions);
      await Promise.all([
        fleet.adopted(change, versions.get("worker")!),
        ...callers.map((one) => one.adopted(versions.get(one.name)!.fingerprint)),
      ]);
    }
    const taken = await isTaken(fleet.steady, { ...former!, ca: next.pem }, `removed.${round}`);
    if (taken !== undefined) {
      wrong.push(`a certificate of root ${round}, which was removed: ${taken}`);
    }
    old = next;
  }
  return round;
}

/** The result of a call with a certificate whose authority was removed; `undefined` where it was refused as that. */
async function isTaken(address: string, { ca, cert, key }: Version, name: string) {
  await using dispatcher = await Dispatcher.open({
    discovery: `static:${address}`,
    credentials: Credentials.fromPem({ ca, cert, key }),
    identity: WORKER_ID,
  });
  try {
    await dispatcher.call(run, [name], { timeoutMs: 0 });
    return "its call was answered";
  } catch (error) {
    const { peerReason } = error as { readonly peerReason?: string };
    return peerReason === "untrusted-authority" ? undefined : String(error);
  }
}

/** Each round one caller is denied at every worker, calls in vain, and is allowed again. */
async function deny({ ground, fleet, callers, goesOn }: Weather): Promise<number> {
  const caller = callers.find(({ name }) => name === DENIED_CALLER)!;
  let entries = 1;
  let round = 0;
  const set = async (denied: readonly string[]) => {
    await caller.enter("changing");
    const change = await ground.deny(denied, ++entries);
    await fleet.denies(change, entries);
  };
  for (; goesOn(round); round++) {
    await set([callerId(DENIED_CALLER)]);
    await caller.enter("denied");
    await caller.callsOn("denied", CALLS_A_PHASE);
    await set([]);
    await caller.enter("allowed");
    await caller.callsOn("allowed", CALLS_A_PHASE);
  }
  return round;
}
