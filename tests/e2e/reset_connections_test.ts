import assert from "node:assert/strict";
import { connect, createServer, type Socket } from "node:net";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import * as routines from "./routines.ts";
import { Trust } from "./trust.ts";

/** Passes connections on to a worker, and resets them. */
class Relay implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  readonly #server;

  /** @param address where the worker listens. */
  constructor(address: string) {
    const { hostname, port } = new URL(`tcp://${address}`);
    this.#server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const [from, to] of [[near, far], [far, near]] as const) {
        this.#sockets.add(from);
        from.pipe(to).on("error", () => {});
        from.once("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  /** Begins to listen. @returns where. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Resets both ends of all connections. */
  reset(): void {
    for (const socket of [...this.#sockets]) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

Deno.test("a connection that is reset ends its calls at both ends by name, and the next call makes another", async () => {
  const trust = new Trust();
  await using worker = await startWorker(trust);
  await using relay = new Relay(worker.address);
  await using dispatcher = await openDispatcher(trust, await relay.open());
  // Several calls, so that TLS has moved onto the socket's handle where the platform has one.
  for (const name of ["reset-1", "reset-2", "reset-3"]) {
    for (let n = 0; n < 5; n++) assert.equal(await dispatcher.call(routines.add, [n, 1]), n + 1);
    const lost = assert.rejects(dispatcher.call(routines.wait, [name]), WorkerUnavailable);
    await dispatcher.call(routines.untilMarked, [`${name}:began`]);
    relay.reset();
    await lost;
    // The worker has noticed it as well.
    await dispatcher.call(routines.untilMarked, [`${name}:AbortError`]);
  }
  assert.deepEqual(dispatcher.workers().map(({ state }) => state), ["ready"]);
});
