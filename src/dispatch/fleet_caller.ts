import type { Transport } from "@connectrpc/connect";
import {
  type AnyRoutine,
  type ArgumentsOf,
  bindClient,
  type Caller,
  type CallOptions,
  type Client,
  type DuplexArgumentsOf,
  type DuplexRoutine,
  type InputOf,
  type ItemOf,
  type ReadyOptions,
  type ResultOf,
  type Routine,
  type RoutineFunction,
  type Routines,
  type Sendable,
  type Source,
  type WorkerSnapshot,
} from "../contract/mod.ts";
import { unusable } from "../errors/mod.ts";
import type { EventStream, SelvageEvent } from "../observe/mod.ts";
import { notReady } from "./calls/exhausted.ts";
import { checkedTimeout } from "./calls/call_settings.ts";
import { insistOnCallNames, insistOnReadyNames } from "./calls/option_names.ts";
import type { OpenedDispatcher } from "./open.ts";
import type { TransportChoices } from "../rpc/mod.ts";
import { READY_TIMEOUT_MS, waitFor } from "./calls/waiting.ts";
import { Ending } from "../values/mod.ts";
import { workerSnapshot } from "./worker_snapshot.ts";

/** Calls routines and services on the workers of a fleet: what every caller has in common. */
export abstract class FleetCaller implements Caller<Transport, SelvageEvent, TransportChoices> {
  readonly #opened: OpenedDispatcher;

  /** @internal */
  protected constructor(opened: OpenedDispatcher) {
    this.#opened = opened;
  }

  /** The caller's own id, as its events name it. */
  get id(): string {
    return this.#opened.id;
  }

  get transport(): Transport {
    return this.#opened.transport;
  }

  transportFor(choices: TransportChoices = {}): Transport {
    return this.#opened.transportFor(choices);
  }

  call<F extends RoutineFunction, const A extends Readonly<ArgumentsOf<F>>>(
    routine: Routine<F, "unary">,
    args: A & Sendable<A>,
    options?: CallOptions,
  ): Promise<ResultOf<F>> {
    return this.#opened.routines.result(routine as AnyRoutine, args, options) as Promise<
      ResultOf<F>
    >;
  }

  stream<F extends RoutineFunction, const A extends Readonly<ArgumentsOf<F>>>(
    routine: Routine<F, "stream">,
    args: A & Sendable<A>,
    options?: CallOptions,
  ): AsyncGenerator<ItemOf<F>, void, undefined> {
    const items = this.#opened.routines.items(routine as AnyRoutine, args, undefined, options);
    return items as AsyncGenerator<ItemOf<F>, void, undefined>;
  }

  duplex<F extends RoutineFunction, const A extends Readonly<DuplexArgumentsOf<F>>>(
    routine: DuplexRoutine<F>,
    input: Source<InputOf<F>>,
    args: A & Sendable<A>,
    options?: CallOptions,
  ): AsyncGenerator<ItemOf<F>, void, undefined> {
    const items = this.#opened.routines.items(routine as AnyRoutine, args, input, options);
    return items as AsyncGenerator<ItemOf<F>, void, undefined>;
  }

  client<R extends Routines>(routines: R, options?: CallOptions): Client<R> {
    if (options !== undefined) insistOnCallNames(options);
    return bindClient(this, routines, options);
  }

  workers(): readonly WorkerSnapshot[] {
    return this.#opened.fleet.endpoints.map(workerSnapshot);
  }

  events(): EventStream {
    return this.#opened.hub.events();
  }

  async ready(options: ReadyOptions = {}): Promise<void> {
    insistOnReadyNames(options);
    const { fleet, clock } = this.#opened;
    const { min = fleet.quorum, signal, timeoutMs = READY_TIMEOUT_MS } = options;
    if (!(Number.isSafeInteger(min) && min >= 0)) {
      throw unusable("min", `min is a whole number of workers, not ${String(min)}`);
    }
    checkedTimeout(timeoutMs);
    const over = new Ending();
    await waitFor(fleet.ready(min, over), {
      clock,
      signal,
      timeoutMs,
      expired: () => notReady(fleet, min, timeoutMs),
    }).finally(() => over.abort());
  }

  /** Ends every connection. */
  abstract [Symbol.asyncDispose](): Promise<void>;
}
