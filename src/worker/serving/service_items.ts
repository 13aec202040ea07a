/**
 * Fast path: the items of a service's method pass from its implementation to what sends them through one iterator,
 * which records the call, keeps it within its policy and its `currentCall()`, and lets no failure of other workers
 * pass. As async generators of their own each of these cost an item three promises; see `docs/performance-changes.md`.
 * There is no plain path beside it: connect-es iterates the same.
 */
import { create, type DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { CallRecord, CallRecords } from "../../observe/mod.ts";
import { iterateInCall, runInCall } from "../../routine/mod.ts";
import { withoutStatusDetails } from "../../rpc/mod.ts";
import { nameOf } from "../admission/authorization.ts";
import { insist } from "../admission/still_admitted.ts";
import { whileAllowed } from "../admission/while_allowed.ts";
import { withoutFailure } from "./foreign_errors.ts";
import { type BeginRecord, beginRecords, type Invoke } from "./recorded_methods.ts";
import type { CallGround } from "./served_call.ts";
import { beginCall, runningCall } from "./service_calls.ts";

/** The implementation of a method that answers with items, as a worker serves it. */
export function servedItems(
  method: DescMethod,
  invoke: Invoke,
  records: CallRecords,
  ground: CallGround,
): Invoke {
  const begin = beginRecords(method, records);
  const name = nameOf(method);
  return (request, context) =>
    new ServedItems({ method, name, invoke, begin, ground }, request, context);
}

/** What the calls of a method have in common. */
interface ServedMethod {
  readonly method: DescMethod;
  /** As policies know it. */
  readonly name: string;
  readonly invoke: Invoke;
  readonly begin: BeginRecord;
  readonly ground: CallGround;
}

/** The items of one call, which begins when the first is asked for. For one reader. */
class ServedItems implements AsyncIterableIterator<unknown, undefined> {
  readonly #served: ServedMethod;
  readonly #request: unknown;
  readonly #context: HandlerContext;
  #record: CallRecord | undefined;
  #starting: Promise<void> | undefined;
  #items: AsyncIterator<unknown> | undefined;
  #state: "open" | "left" | "over" = "open";
  readonly #first = () => this.next();
  readonly #onNext = (result: IteratorResult<unknown>) => this.#arrived(result);
  readonly #onThrown = (error: unknown) => this.#threw(error);

  constructor(served: ServedMethod, request: unknown, context: HandlerContext) {
    this.#served = served;
    this.#request = request;
    this.#context = context;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#state !== "open") return Promise.resolve(DONE);
    if (this.#items === undefined) return (this.#starting ??= this.#start()).then(this.#first);
    let next: Promise<IteratorResult<unknown>>;
    try {
      next = this.#items.next();
    } catch (error) {
      // An iterator of the program's own may throw at once.
      next = Promise.reject(error);
    }
    return next.then(this.#onNext, this.#onThrown);
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#leave((record) => record.left());
  }

  async throw(reason: unknown): Promise<never> {
    await this.#leave((record) => record.failed(reason, this.#context.signal.aborted));
    throw reason;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #start(): Promise<void> {
    const { record, span } = this.#served.begin(this.#context);
    this.#record = record;
    try {
      await insist(this.#context);
      const run = () => this.#invoke();
      const items = span === undefined ? run() : span.iterate(span.run(run));
      this.#items = items[Symbol.asyncIterator]();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #leave(outcome: (record: CallRecord) => void): Promise<IteratorReturnResult<undefined>> {
    if (this.#state !== "open") return DONE;
    this.#state = "left";
    try {
      await this.#starting;
      await this.#items?.return?.();
    } catch (error) {
      // The failure to start is recorded, and given to who asked for the first item.
      if (this.#items !== undefined) this.#threw(error);
    }
    this.#end(outcome);
    return DONE;
  }

  #invoke(): AsyncIterable<unknown> {
    const { invoke, ground, name } = this.#served;
    const context = this.#context;
    const call = beginCall(context, ground);
    let items: AsyncIterable<unknown>;
    try {
      const given = runInCall(call, () => invoke(this.#request, context));
      items = iterateInCall(call, given as AsyncIterable<unknown>);
    } catch (error) {
      throw withoutFailure(error);
    }
    return whileAllowed(items, runningCall(context, call, name));
  }

  /** The item is made a message here: reading what an implementation gave may throw, too. */
  #arrived(
    result: IteratorResult<unknown>,
  ): IteratorResult<unknown, undefined> | Promise<never> {
    try {
      if (!result.done) {
        return { done: false, value: create(this.#served.method.output, result.value as never) };
      }
    } catch (error) {
      return this.#broken(error);
    }
    if (this.#state === "open") this.#end((record) => record.succeeded());
    return DONE;
  }

  async #broken(error: unknown): Promise<never> {
    await Promise.try(() => this.#items?.return?.()).catch(() => {});
    return this.#threw(error);
  }

  #threw(error: unknown): never {
    throw this.#failed(withoutFailure(error));
  }

  #failed(error: unknown): unknown {
    this.#end((record) => record.failed(error, this.#context.signal.aborted));
    return error;
  }

  #end(outcome: (record: CallRecord) => void): void {
    if (this.#state === "over") return;
    this.#state = "over";
    if (this.#record === undefined) return;
    withoutStatusDetails(this.#context);
    outcome(this.#record);
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };
