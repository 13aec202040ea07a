import { type AnyRoutine, isRoutine } from "../contract/mod.ts";
import {
  type Dispatcher,
  dispatcherOver,
  SHARED_NAMES,
  type SharedDispatcherOptions,
} from "../dispatch/mod.ts";
import {
  HandshakeError,
  type HandshakeEvidence,
  type HandshakeReason,
  insistOnNames,
  type PeerReason,
} from "../errors/mod.ts";
import type { ClientConnection } from "../http2/mod.ts";
import { dialPeer } from "../peer/mod.ts";
import { WorkerServer, type WorkerServerOptions } from "../worker/mod.ts";
import { introducedAs } from "./introduction.ts";
import { present } from "../values/mod.ts";

/** What a worker in memory serves, and who calls it. */
export interface InMemoryOptions
  extends Omit<WorkerServerOptions, "listen" | "advertise" | "credentials" | "routines"> {
  /** Routines, and modules of routines (`import * as math from "./math.ts"`). Default: none. */
  readonly routines?: readonly (AnyRoutine | Readonly<Record<string, unknown>>)[] | undefined;
  /** Who calls: a SPIFFE ID or a host name, which the worker takes as proven. Default: nobody. */
  readonly as?: string | undefined;
  /** How the dispatcher makes its calls. */
  readonly dispatching?: SharedDispatcherOptions | undefined;
}

/** How a handshake is to fail. */
export interface RefuseOptions {
  /** With `client-certificate-refused`: what the worker says is wrong with the certificate. */
  readonly peerReason?: PeerReason | undefined;
  /** What the error shall show as seen. Default: nothing. */
  readonly evidence?: HandshakeEvidence | undefined;
}

/** A worker and a dispatcher that calls it, without sockets. */
export interface InMemory extends AsyncDisposable {
  /** Calls the worker. */
  readonly dispatcher: Dispatcher;
  /** Serves the routines. */
  readonly worker: WorkerServer;
  /**
   * From now on every handshake fails, and the connection there is takes no more calls.
   *
   * @param reason Why, in one word of the vocabulary.
   * @param options What else is known of it.
   */
  refuse(reason: HandshakeReason, options?: RefuseOptions): void;
  /** From now on handshakes succeed again. */
  accept(): void;
}

/** The reasons that only the worker can have; all others are the dispatcher's verdict. */
const WORKERS_OWN: ReadonlySet<HandshakeReason> = new Set([
  "client-certificate-required",
  "client-certificate-refused",
  "tls-alert",
]);

/**
 * Starts a worker in memory with a dispatcher that calls it. Calls go through everything but the
 * sockets and TLS; authorization, deadlines, streams and errors are the real ones.
 *
 * @param options What is served, and who calls.
 * @returns The pair; disposing of it ends both.
 *
 * @example Test a routine as its caller sees it
 * ```ts
 * import assert from "node:assert/strict";
 * import { inMemory } from "@selvage/runtime/testing";
 * import { routine } from "@selvage/runtime/routine";
 *
 * const add = routine("math.add", (a: number, b: number) => a + b);
 *
 * await using t = await inMemory({ routines: [add], as: "spiffe://x/client/a" });
 * assert.equal(await t.dispatcher.call(add, [1, 2]), 3);
 * ```
 */
export async function inMemory(options: InMemoryOptions = {}): Promise<InMemory> {
  const { routines = [], as, dispatching = {}, ...serving } = options;
  insistOnNames("dispatching", dispatching, SHARED_NAMES, "dispatching");
  const introduction = as === undefined ? {} : { introduceAs: await introducedAs(as) };
  const address = `memory:${crypto.randomUUID()}`;
  const discovery = `static:${address}`;
  await using starting = new AsyncDisposableStack();
  const worker = starting.use(
    await WorkerServer.start({
      dispatcher: { discovery },
      ...serving,
      limits: { blockedAfterMs: 0, ...serving.limits },
      listen: address,
      routines: routines.flatMap(routinesOf),
    }),
  );
  const connections = new Set<ClientConnection>();
  let refusal: Refusal | undefined;
  const dispatcher = starting.use(
    await dispatcherOver([{ discovery }], dispatching, {
      dialPeer: async (to, dial) => {
        if (refusal !== undefined) throw refused(refusal, address);
        const peer = await dialPeer(to, { ...dial, ...introduction });
        connections.add(peer.connection);
        peer.connection.closed.then(() => connections.delete(peer.connection));
        return peer;
      },
    }),
  );
  const resources = starting.move();
  return {
    dispatcher,
    worker,
    refuse(reason, more = {}) {
      refusal = { reason, ...more };
      for (const connection of connections) connection.shutdown();
    },
    accept() {
      refusal = undefined;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Refusal extends RefuseOptions {
  readonly reason: HandshakeReason;
}

function routinesOf(source: AnyRoutine | Readonly<Record<string, unknown>>): AnyRoutine[] {
  return isRoutine(source) ? [source] : Object.values(source).filter(isRoutine);
}

function refused({ reason, peerReason, evidence = {} }: Refusal, address: string): HandshakeError {
  return new HandshakeError({
    side: WORKERS_OWN.has(reason) ? "worker" : "dispatcher",
    reason,
    worker: { address },
    evidence,
    ...present({ peerReason }),
  });
}
