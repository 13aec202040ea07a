import { setTimeout as delay } from "node:timers/promises";
import { createAuthority } from "../../../src/credentials/mod.ts";
import { Dispatcher } from "../../../src/dispatch/mod.ts";
import { inTime } from "../in_time.ts";
import type { Held } from "../routines.ts";
import { WorkerProcess } from "../worker_process.ts";
import {
  beginBeside,
  callAgain,
  callFor,
  callTrap,
  endBeside,
  forget,
  goOn,
  held,
  open,
} from "./dispatching.ts";
import { HostileServer, type ServerPem } from "./hostile_server.ts";
import type { Trap } from "./trap.ts";

const WORKER_ID = "spiffe://example.org/worker";
const DISPATCHER_ID = "spiffe://example.org/client/dispatcher";
/** Files that a process opens for itself now and then; what traps hold open are more. */
const OWN_FILES = 4;
/** How long connections may take to go; far longer than they do. */
const SETTLE_MS = 60_000;
/** Between two looks at what the dispatcher's process holds, in milliseconds: it collects garbage at each. */
const LOOK_MS = 20;
/** The time a call is given that is not about time. */
const PATIENT_MS = 30_000;

/** Concurrent callers of a besieged server. */
const CALLERS = 4;

/** The result of a trap. */
export interface Trapped {
  readonly name: string;
  /** The result of the call. */
  readonly comesTo: string;
  /** What the server got for it. */
  readonly answer: string;
  /** The result of a call that was made afterwards, and how often the dispatcher had to connect. */
  readonly survived?: string;
}

/** A dispatcher in a process of its own, a harmless worker that it calls, and servers that are not. */
export class DispatcherStage implements AsyncDisposable {
  readonly #control: Dispatcher;
  readonly #pem: ServerPem | undefined;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    control: Dispatcher,
    pem: ServerPem | undefined,
    resources: AsyncDisposableStack,
  ) {
    this.#control = control;
    this.#pem = pem;
    this.#resources = resources;
  }

  /** Opens it. */
  static async open(
    security: "mutual-tls" | "plaintext",
    patience: "patient" | "impatient",
  ): Promise<DispatcherStage> {
    await using opening = new AsyncDisposableStack();
    const tls = security === "mutual-tls" ? certificates() : undefined;
    const honest = opening.use(
      await WorkerProcess.with({
        tags: ["honest"],
        ...(tls === undefined ? {} : { trust: { pem: tls.worker, allow: DISPATCHER_ID } }),
      }),
    );
    const dispatching = opening.use(
      await WorkerProcess.with({ module: "./servers/dispatching.ts" }),
    );
    const control = opening.use(
      await Dispatcher.open({ discovery: `static:127.0.0.1:${dispatching.port}` }),
    );
    await control.call(open, [{
      honest: `127.0.0.1:${honest.port}`,
      ...(tls === undefined ? {} : { trust: { pem: tls.dispatcher, identity: WORKER_ID } }),
      impatient: patience === "impatient",
    }]);
    return new DispatcherStage(control, tls?.worker, opening.move());
  }

  /** Lets the dispatcher call a server that has laid a trap. */
  async attack(trap: Trap): Promise<Trapped> {
    const { name, kind = "call", timeoutMs = PATIENT_MS, survived } = trap;
    await using server = await HostileServer.open(trap, this.#pem);
    const { address } = server;
    const call = this.#control.call(callTrap, [{ address, kind, timeoutMs }], {
      timeoutMs: 60_000,
    });
    // A late reader goes on once the server has its answer.
    if (kind === "unread") {
      await inTime(server.answer);
      await this.#control.call(goOn, [address]);
    }
    const comesTo = await call;
    if (trap.lasts === true) await this.#control.call(forget, [address]);
    const answer = await inTime(server.answer);
    const again = survived === true ? await this.#again(address, server) : undefined;
    await this.#control.call(forget, [address]);
    return { name, comesTo, answer, ...(again === undefined ? {} : { survived: again }) };
  }

  /**
   * Lets the dispatcher call a hostile server without a pause.
   *
   * @returns a function that ends the calls and returns how often the dispatcher connected.
   */
  async besiege(trap: Trap): Promise<() => Promise<number>> {
    const server = await HostileServer.open(trap, this.#pem);
    const { address } = server;
    let stopped = false;
    const caller = async (): Promise<void> => {
      while (!stopped) {
        await this.#control.call(callTrap, [{ address, kind: "call", timeoutMs: PATIENT_MS }]);
      }
    };
    const callers = Promise.all(Array.from({ length: CALLERS }, caller));
    return async () => {
      stopped = true;
      await callers;
      await this.#control.call(forget, [address]);
      await server[Symbol.asyncDispose]();
      return server.connections;
    };
  }

  /** Calls the honest worker without a pause for `ms`. @returns calls a second. */
  callFor(ms: number): Promise<number> {
    return this.#control.call(callFor, [ms]);
  }

  /** What the dispatcher's process holds. */
  held(): Promise<Held> {
    return this.#control.call(held, []);
  }

  /** Waits until the dispatcher has let go of nearly every connection that it had not before. */
  async settled(before: Held): Promise<Held> {
    const until = performance.now() + SETTLE_MS;
    for (;;) {
      const now = await this.held();
      const files = now.files - before.files;
      if (files <= OWN_FILES) return now;
      if (performance.now() > until) throw new Error(`${files} files are kept`);
      await delay(LOOK_MS);
    }
  }

  /** Calls the harmless worker again and again while something goes on; not one call may fail. */
  async beside<Result>(attempts: Promise<Result>): Promise<Result> {
    await this.#control.call(beginBeside, []);
    const [struck] = await Promise.allSettled([attempts]);
    const { calls, failures } = await this.#control.call(endBeside, []);
    if (struck.status === "rejected") throw struck.reason;
    if (failures.length === 0) return struck.value;
    throw new Error(`${failures.length} of ${calls} calls failed beside: ${failures[0]}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #again(address: string, server: HostileServer): Promise<string> {
    const came = await this.#control.call(callAgain, [address]);
    return `${came} over ${server.connections}`;
  }
}

function certificates(): { readonly worker: ServerPem; readonly dispatcher: ServerPem } {
  const authority = createAuthority();
  const issue = (name: string, spiffe: string): ServerPem => {
    const { certPem: cert, keyPem: key } = authority.issue({ name, spiffe, ip: ["127.0.0.1"] });
    return { ca: authority.certPem, cert, key };
  };
  return { worker: issue("worker", WORKER_ID), dispatcher: issue("dispatcher", DISPATCHER_ID) };
}
