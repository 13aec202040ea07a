import assert from "node:assert/strict";
import type { ServiceImpl } from "@connectrpc/connect";
import type { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import type { EchoWorker } from "./ground.ts";

/** Calls whose text begins with `hold`: they are answered once they are let go. */
export class HeldCalls {
  #count = 0;
  #changed = Promise.withResolvers<void>();
  readonly #released = Promise.withResolvers<void>();

  /** The service with calls that can be held. */
  in(service: ServiceImpl<typeof EchoService>): ServiceImpl<typeof EchoService> {
    const held = (call: typeof service.echo): typeof service.echo => async (request, context) => {
      if (request.text.startsWith("hold")) await this.#hold();
      return await call(request, context);
    };
    return {
      ...service,
      echo: held(service.echo),
      echoWithoutSideEffects: held(service.echoWithoutSideEffects),
    };
  }

  /** Resolves when so many are held. */
  async until(count: number): Promise<void> {
    while (this.#count < count) await this.#changed.promise;
  }

  /** Lets them go, and holds none that comes later. */
  release(): void {
    this.#released.resolve();
  }

  #hold(): Promise<void> {
    this.#count++;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return this.#released.promise;
  }
}

/** Waits until so many calls are held, all on one connection, and lets them go. */
export async function releaseTogether({ worker, held }: EchoWorker, count: number): Promise<void> {
  await held.until(count);
  assert.deepEqual(connectionsInUse(worker), [{ takesCalls: true }]);
  held.release();
}

/**
 * Waits until so many calls are held, all on one connection, drains their worker, and lets them go:
 * each is answered behind the GOAWAY. Resolves when the worker has stopped.
 */
export async function leaveTogether({ worker, held }: EchoWorker, count: number): Promise<void> {
  await held.until(count);
  const stopped = worker.drain({ graceMs: 20_000 });
  assert.deepEqual(connectionsInUse(worker), [{ takesCalls: false }]);
  held.release();
  await stopped;
}

/** The connections that have streams; a browser may keep another. */
function connectionsInUse(worker: EchoWorker["worker"]): { readonly takesCalls: boolean }[] {
  return worker.peers().filter(({ calls }) => calls > 0)
    .map(({ takesCalls }) => ({ takesCalls }));
}
