import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { createAuthority, Credentials } from "../../src/credentials/mod.ts";
import { NATIVE_DESCRIPTORS, socketLimitsOf } from "../../src/channel/mod.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import { Health, HealthCheckResponse_ServingStatus as Status } from "../../src/gen/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { add } from "../e2e/routines.ts";
import { WorkerProcess } from "../e2e/worker_process.ts";
import { SilentClients } from "./silent_clients.ts";

/** What the workers may have open, and more silent clients than that. */
const FEW = { descriptors: 256, clients: 400 };
/** The same for a worker that uses the platform's listener. */
const MANY = { descriptors: NATIVE_DESCRIPTORS, clients: 1_200 };
/** How many silent clients a worker of so many descriptors keeps. */
const KEPT = socketLimitsOf(FEW.descriptors).pendingHandshakes;
/** Files that a worker opens for itself now and then. */
const OWN_FILES = 8;
/** Limits that let a worker run out of descriptors. */
const BLIND = { connections: 10_000, connectionsPerAddress: 10_000, pendingHandshakes: 10_000 };

/** What a client sees of a connection that was reset, or that nobody answers any more. */
const GIVEN_UP: readonly string[] = ["handshake-aborted", "handshake-timeout"];

const WORKER = "spiffe://example.org/worker";
const authority = createAuthority();
const { certPem: cert, keyPem: key } = authority.issue({ name: "worker", spiffe: WORKER });
const pem = { ca: authority.certPem, cert, key };

/** A worker that listens in these ways, over the first of which honest clients come. */
interface Way {
  readonly name: string;
  /** Default: few. */
  readonly size?: typeof FEW;
  start(folder: string, limits: object): Promise<WorkerProcess>;
  dispatcher(address: string): Promise<Dispatcher>;
  /** Whether it falls back to another listener meanwhile, which resets what waits to be accepted. */
  readonly fallsBack?: boolean;
}

/** A dispatcher that shows no certificate. */
const anonymousDispatcher = (address: string) =>
  Dispatcher.open({
    discovery: `static:${address}`,
    identity: WORKER,
    credentials: Credentials.trustOnly({ ca: authority.certPem }),
  });

const WAYS: readonly Way[] = [
  {
    name: "mutual TLS, a unix socket and a health listener",
    start: (folder, limits) =>
      WorkerProcess.start({
        pem,
        descriptors: FEW.descriptors,
        options: {
          listen: ["127.0.0.1:0", `unix:${folder}/worker.sock`],
          allow: ["*"],
          health: "127.0.0.1:0",
          limits,
        },
      }),
    dispatcher: (address) =>
      Dispatcher.open({
        discovery: `static:${address}`,
        identity: WORKER,
        credentials: Credentials.fromPem(pem),
      }),
  },
  {
    name: "the platform's TLS",
    fallsBack: true,
    size: MANY,
    start: (_folder, limits) =>
      WorkerProcess.start({
        pem: { cert, key, oneWay: true },
        descriptors: MANY.descriptors,
        options: { listen: "127.0.0.1:0", nativeTls: true, limits },
      }),
    dispatcher: anonymousDispatcher,
  },
  {
    // Which is not used with so few descriptors: it could not release those of handshakes that give way.
    name: "one-way TLS where the platform's is asked for",
    start: (_folder, limits) =>
      WorkerProcess.start({
        pem: { cert, key, oneWay: true },
        descriptors: FEW.descriptors,
        options: { listen: "127.0.0.1:0", nativeTls: true, limits },
      }),
    dispatcher: anonymousDispatcher,
  },
  {
    name: "plaintext",
    start: (_folder, limits) =>
      WorkerProcess.start({
        descriptors: FEW.descriptors,
        options: { listen: "127.0.0.1:0", limits },
      }),
    dispatcher: (address) => Dispatcher.open({ discovery: `static:${address}` }),
  },
];

for (const way of WAYS) {
  const { descriptors, clients } = way.size ?? FEW;
  Deno.test(`silent clients keep no honest one out of a worker over ${way.name}`, async () => {
    await using stage = await Stage.open(way, {});
    const { worker } = stage;
    await stage.call();
    const before = openFiles(worker);
    for (const address of [...worker.addresses, worker.healthAddress]) {
      if (address === undefined) continue;
      using silent = new SilentClients(address, clients);
      await silent.connected;
      if (way.fallsBack === true) await stage.callOnceListening();
      else {
        // Once the worker has accepted them all, and keeps no more than it may.
        await silent.shrunkTo(KEPT);
        await stage.call();
      }
      assert.ok(openFiles(worker) < descriptors - OWN_FILES, "some descriptors are left");
    }
    await stage.settled(before);
    assert.deepEqual(worker.events.filter(isOfListener), []);
  });

  Deno.test(`a worker over ${way.name} that runs out of descriptors says so, and recovers`, async () => {
    await using stage = await Stage.open(way, BLIND);
    const { worker } = stage;
    // A connection from before goes on, and reports the health.
    await using watcher = await way.dispatcher(worker.address);
    await watcher.call(add, [1, 2]);
    const health = createClient(Health, watcher.transport);
    const before = openFiles(worker);
    // Its other listeners fail and recover in their own time.
    const isOf = (wanted: string) => (event: SelvageEvent) =>
      event.type === wanted && "address" in event && event.address === worker.address;
    {
      using silent = new SilentClients(worker.address, clients);
      await silent.connected;
      const failed = await worker.event(isOf("listener.failed"));
      assert.ok(failed.type === "listener.failed" && failed.retryInMs > 0);
      assert.equal((await health.check({})).status, Status.NOT_SERVING);
    }
    await worker.event(isOf("listener.recovered"));
    await stage.callOnceListening();
    for await (const { status } of health.watch({})) if (status === Status.SERVING) break;
    await stage.settled(before);
  });
}

Deno.test("a worker on a unix socket whose file is removed listens there again", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const address = `unix:${folder}/worker.sock`;
  const worker = stack.use(await WorkerProcess.start({ options: { listen: address } }));
  await Deno.remove(`${folder}/worker.sock`);
  await worker.event(({ type }) => type === "listener.recovered");
  assert.equal((await Deno.stat(`${folder}/worker.sock`)).mode! & 0o777, 0o600);
  await using dispatcher = await Dispatcher.open({ discovery: `static:${address}` });
  assert.equal(await dispatcher.call(add, [1, 2]), 3);
});

/** A worker, and new honest clients of it. */
class Stage implements AsyncDisposable {
  readonly worker: WorkerProcess;
  readonly #way: Way;
  readonly #stack: AsyncDisposableStack;

  private constructor(worker: WorkerProcess, way: Way, stack: AsyncDisposableStack) {
    this.worker = worker;
    this.#way = way;
    this.#stack = stack;
  }

  static async open(way: Way, limits: object): Promise<Stage> {
    await using opening = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir();
    opening.defer(() => Deno.remove(folder, { recursive: true }));
    const worker = opening.use(await way.start(folder, limits));
    return new Stage(worker, way, opening.move());
  }

  /** Makes a call over a connection of its own. */
  async call(): Promise<void> {
    await using dispatcher = await this.#way.dispatcher(this.worker.address);
    assert.equal(await dispatcher.call(add, [1, 2]), 3);
  }

  /**
   * Makes a call; where its connection is reset in the moment in which the worker listens anew, or given up by the
   * platform's listener, which leaves it open for a while, another one.
   */
  async callOnceListening(): Promise<void> {
    try {
      await this.call();
    } catch (error) {
      if (!(error instanceof HandshakeError) || !GIVEN_UP.includes(error.reason)) throw error;
      await this.callOnceListening();
    }
  }

  /** Calls until the worker has closed what silent clients had opened. */
  async settled(before: number): Promise<void> {
    while (openFiles(this.worker) > before + OWN_FILES) await this.call();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function openFiles({ pid }: WorkerProcess): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

function isOfListener({ type }: SelvageEvent): boolean {
  return type === "listener.failed" || type === "listener.recovered";
}
