/** Fleets of processes: one that migrates from plaintext to strict mutual TLS, and one whose nodes call each other. */
import assert from "node:assert/strict";
import { fileDiscovery } from "../../src/discovery/mod.ts";
import { Dispatcher, type DispatcherOptions } from "../../src/dispatch/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { Journal } from "../support/journal.ts";
import { Trust, WORKER_ID } from "../e2e/trust.ts";
import { Machine, type ServeSettings } from "./fleet_machine.ts";
import { add, items, relay } from "./fleet_routines.ts";

/** The addresses of a fleet, in a file that is replaced as a whole. */
class Registry implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly path = `${this.#folder}/workers.json`;
  readonly #entries: { readonly address: string; readonly tags?: readonly string[] }[] = [];

  async add(address: string): Promise<void> {
    this.#entries.push({ address });
    await this.#write();
  }

  /** Adds several at once, so that a dispatcher that finds one finds all. */
  async addAll(entries: readonly { address: string; tags: readonly string[] }[]): Promise<void> {
    this.#entries.push(...entries);
    await this.#write();
  }

  async remove(address: string): Promise<void> {
    this.#entries.splice(this.#entries.findIndex((entry) => entry.address === address), 1);
    await this.#write();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #write(): Promise<void> {
    await Deno.writeTextFile(`${this.path}.new`, JSON.stringify(this.#entries));
    await Deno.rename(`${this.path}.new`, this.path);
  }
}

/** A program that calls a fleet all the time, and migrates to TLS while it does. */
class LoadedCaller implements AsyncDisposable {
  /** Calls that were answered. */
  readonly #answered = new Journal<number>();
  readonly #failures: unknown[] = [];
  #dispatcher: Dispatcher;
  #events: Journal<SelvageEvent>;
  /** The calls under way, by what makes them. */
  readonly #loops: Promise<void>[];
  #current: readonly Promise<unknown>[] = [];
  #over = false;

  private constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#events = journalOf(dispatcher);
    this.#current = [Promise.resolve(), Promise.resolve()];
    this.#loops = this.#current.map((_, at) => this.#load(at));
  }

  static async start(options: DispatcherOptions): Promise<LoadedCaller> {
    const dispatcher = await Dispatcher.open(options);
    await dispatcher.ready();
    return new LoadedCaller(dispatcher);
  }

  /** Calls with other settings from now on; calls under way finish as they began. */
  async migrate(options: DispatcherOptions): Promise<void> {
    const before = this.#dispatcher;
    const dispatcher = await Dispatcher.open(options);
    this.#events = journalOf(dispatcher);
    await dispatcher.ready();
    this.#dispatcher = dispatcher;
    await Promise.allSettled(this.#current);
    await before[Symbol.asyncDispose]();
  }

  /** Waits until a worker is found, and so many take its calls. */
  async reaches(address: string, min: number): Promise<void> {
    await this.#events.until((event) =>
      event.type === "discovery.added" && event.worker.address === address
    );
    await this.#dispatcher.ready({ min });
  }

  /** Waits until so many more calls were answered. @throws What a call threw. */
  async answered(more: number): Promise<void> {
    await this.#answered.until(() => true, this.#answered.entries.length + more);
    for (const failure of this.#failures) throw failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops);
    await this.#dispatcher[Symbol.asyncDispose]();
  }

  async #load(at: number): Promise<void> {
    for (let n = 0; !this.#over; n++) {
      const call = n % 2 === 0
        ? this.#dispatcher.call(add, [n, 1])
        : Array.fromAsync(this.#dispatcher.stream(items, [n % 7]));
      this.#current = this.#current.with(at, call);
      try {
        const answer = await call;
        if (typeof answer === "number") assert.equal(answer, n + 1);
        else assert.equal(answer.length, n % 7);
      } catch (error) {
        this.#failures.push(error);
      }
      this.#answered.add(n);
      // Pauses, so that the load leaves the machine to those who migrate.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function journalOf(dispatcher: Dispatcher): Journal<SelvageEvent> {
  const journal = new Journal<SelvageEvent>();
  const events = dispatcher.events();
  (async () => {
    for await (const event of events) journal.add(event);
    journal.end();
  })();
  return journal;
}

/** Three processes, each with one worker of a fleet. */
async function fleet() {
  await using starting = new AsyncDisposableStack();
  const machines = [1, 2, 3].map(() => starting.use(new Machine()));
  const registry = starting.use(new Registry());
  const resources = starting.move();
  return { machines, registry, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

const trust = new Trust();
const accept = {
  plaintext: "accept",
  anonymous: { from: ["127.0.0.0/8"], routines: ["fleet.*"] },
} as const;

Deno.test("a fleet goes from plaintext to strict mutual TLS, worker by worker, and no call fails", async () => {
  await using three = await fleet();
  const { machines, registry } = three;
  const pem = trust.worker();
  const allow = "spiffe://example.org/client/*";
  const addresses = await Promise.all(machines.map((machine) => machine.serve({})));
  for (const address of addresses) await registry.add(address);

  const discovery = () => fileDiscovery(registry.path, { refreshMs: 20 });
  const plainly = () => ({ discovery: discovery() });
  const securely = () => ({
    discovery: discovery(),
    credentials: trust.client(),
    identity: WORKER_ID,
  });
  await using early = await LoadedCaller.start(plainly());
  await using late = await LoadedCaller.start(plainly());
  const plaintextCallers = async () =>
    (await Promise.all(machines.map((machine) => machine.plaintextCallers())))
      .reduce((sum, count) => sum + count, 0);

  /** Replaces the worker of one machine, once every caller reaches the new one. */
  const replace = async (at: number, settings: ServeSettings, reachable: readonly number[]) => {
    const [machine, before] = [machines[at]!, addresses[at]!];
    const address = await machine.serve(settings);
    await registry.add(address);
    await Promise.all([early, late].map((caller, n) => caller.reaches(address, reachable[n]!)));
    await registry.remove(before);
    await machine.drain(before);
    addresses[at] = address;
    await Promise.all([early.answered(4), late.answered(4)]);
  };

  const accepting = { pem, options: { allow, ...accept } };
  await replace(0, accepting, [4, 4]);
  // It meets one worker with TLS and two without, which it does not call.
  await early.migrate(securely());
  await replace(1, accepting, [2, 4]);
  await replace(2, accepting, [3, 4]);
  assert.ok(await plaintextCallers() > 0);
  await late.migrate(securely());
  // A connection that its caller closed is gone once the worker has read its end.
  while (await plaintextCallers() > 0);

  for (const at of machines.keys()) await replace(at, { pem, options: { allow } }, [4, 4]);
  for (const at of machines.keys()) {
    await replace(at, { pem, options: { allow, strict: true } }, [4, 4]);
  }
  await using stranger = await Dispatcher.open({ discovery: `static:${addresses[0]}` });
  await assert.rejects(stranger.call(add, [1, 2]), { reason: "encrypted-peer" });
});

Deno.test("the nodes of a cluster call each other over mutual TLS, strict and while plaintext is accepted", async () => {
  for (const options of [{ strict: true }, accept]) {
    await using three = await fleet();
    const { machines, registry } = three;
    const identity = "spiffe://example.org/node/*";
    const nodes = await Promise.all(machines.map(async (machine, at) => ({
      machine,
      address: await machine.serve({
        pem: trust.worker(`spiffe://example.org/node/${at}`),
        options: {
          ...options,
          allow: [identity, "spiffe://example.org/client/*"],
          tags: [`node-${at}`],
          dispatcher: {
            discovery: `file:${registry.path}`,
            identity,
            ...("strict" in options ? { strict: true } : {}),
          },
        },
      }),
    })));
    await registry.addAll(nodes.map(({ address }, at) => ({ address, tags: [`node-${at}`] })));
    await Promise.all(
      nodes.map(({ machine, address }) => machine.event(address, "discovery.added", 3)),
    );
    await using client = await Dispatcher.open({
      discovery: `file:${registry.path}`,
      credentials: trust.client(),
      identity,
      strict: true,
    });
    await client.ready({ min: 3 });
    // Each node calls each other one.
    const route = [1, 2, 0, 2, 1, 0];
    const seen = await client.call(relay, [route.map((at) => `node-${at}`)], { tags: ["node-0"] });
    assert.deepEqual(seen, [
      "spiffe://example.org/client/a",
      ...[0, ...route.slice(0, -1)].map((at) => `spiffe://example.org/node/${at}`),
    ]);
  }
});
