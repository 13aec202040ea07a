import { Code, ConnectError } from "@connectrpc/connect";
import { endStreamFlag } from "@connectrpc/connect/protocol-connect";
import { ArrivingMessages } from "../wire/arriving_messages.ts";
import { type BodyState, DONE, type WaitingReader } from "../wire/body_reader.ts";
import type { BytesRequests } from "./bytes_call.ts";
import { notDecompressible } from "../wire/call_errors.ts";
import { COMPRESSED_FLAG } from "../wire/envelope.ts";
import type { GatherBudget } from "../wire/gather_budget.ts";
import { type StreamTurn, streamTurn } from "../wire/stream_turn.ts";

/**
 * The messages of a request that is a stream without compression. Credit returns to the peer only as
 * they are read. What is wrong with it is worded as connect-es words it.
 */
export class RequestMessages implements BytesRequests {
  readonly #messages: ArrivingMessages;
  readonly #release: (count: number) => void;
  #waiting: WaitingReader[] = [];
  #state: BodyState = { name: "open" };
  readonly #turn: StreamTurn;
  /** The flag of messages that are passed over. */
  readonly #passedOver: number;
  /** Those who wait are served in the next turn. */
  #isDelayed = false;

  /**
   * @param maxBytes the largest message.
   * @param budget what messages in pieces may take.
   * @param release gives the peer credit for that many bytes.
   * @param mayDeclareEnd whether a message may be marked as an end, which no request has: it is passed over.
   * @param turn when they are read. Default: as those of all streams of the process.
   */
  constructor(
    maxBytes: number,
    budget: GatherBudget,
    release: (count: number) => void,
    mayDeclareEnd = true,
    turn: StreamTurn = streamTurn,
  ) {
    this.#turn = turn;
    this.#passedOver = mayDeclareEnd ? endStreamFlag : 0;
    this.#messages = new ArrivingMessages(maxBytes, release, budget);
    this.#release = release;
  }

  /** Bytes that have arrived and not been read. */
  get heldBytes(): number {
    return this.#messages.heldBytes;
  }

  /** Bytes arrived, which may be kept. */
  push(bytes: Uint8Array): void {
    if (this.#state.name !== "open") return this.#release(bytes.byteLength);
    this.#messages.push(bytes);
    this.#serve();
  }

  /** Bytes arrived, which are only lent for the call. */
  lend(bytes: Uint8Array): void {
    if (this.#state.name !== "open") return this.#release(bytes.byteLength);
    this.#messages.lend(bytes);
    this.#serve();
  }

  /** The body is complete; what is left can be read. */
  end(): void {
    if (this.#state.name !== "open") return;
    this.#state = { name: "ended" };
    this.#serve();
  }

  /** The body will not be complete: what is left is dropped, and reading throws `error`. */
  fail(error: Error): void {
    if (this.#state.name === "abandoned" || this.#state.name === "failed") return;
    this.#state = { name: "failed", error };
    this.#messages.drop();
    this.#serve();
  }

  /** Drops what is left and whatever still comes. A body that has failed stays so: it must not look complete. */
  abandon(): void {
    if (this.#state.name === "abandoned" || this.#state.name === "failed") return;
    this.#state = { name: "abandoned" };
    this.#messages.drop();
    this.#serve();
  }

  /**
   * The next message where it is there already; nothing where only `next` tells: there is none, it has to wait its
   * turn, or there are no more.
   *
   * @throws {ConnectError} as `next` rejects.
   */
  take(): Uint8Array | undefined {
    const { name } = this.#state;
    if (name === "failed" || name === "abandoned") return undefined;
    if (this.#turn.isOver || this.#waiting.length > 0) return undefined;
    try {
      const message = this.#nextBuffered();
      if (message !== undefined) this.#turn.count(1);
      return message;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#hasToWait) this.#serveLater();
    else {
      try {
        const result = this.#waiting.length === 0 ? this.#take() : undefined;
        if (result !== undefined) return Promise.resolve(result);
      } catch (error) {
        this.abandon();
        return Promise.reject(error);
      }
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.abandon();
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Gives those who wait what there is. */
  #serve(): void {
    while (this.#waiting.length > 0) {
      if (this.#hasToWait) return this.#serveLater();
      let result: IteratorResult<Uint8Array, undefined> | undefined;
      try {
        result = this.#take();
      } catch (error) {
        const { reject } = this.#waiting.shift()!;
        reject(error);
        this.abandon();
        continue;
      }
      if (result === undefined) return;
      this.#waiting.shift()!.resolve(result);
    }
  }

  /** Whether the time of this turn is used up; an error and the end of reading wait for no other. */
  get #hasToWait(): boolean {
    return this.#turn.isOver && (this.#state.name === "open" || this.#state.name === "ended");
  }

  #serveLater(): void {
    if (this.#isDelayed) return;
    this.#isDelayed = true;
    void this.#turn.next().then(() => {
      this.#isDelayed = false;
      this.#serve();
    });
  }

  #take(): IteratorResult<Uint8Array, undefined> | undefined {
    const state = this.#state;
    if (state.name === "failed") throw state.error;
    if (state.name === "abandoned") return DONE;
    const value = this.#nextBuffered();
    this.#turn.count(1);
    if (value !== undefined) return { done: false, value };
    return state.name === "ended" ? this.#end() : undefined;
  }

  #nextBuffered(): Uint8Array | undefined {
    for (;;) {
      const message = this.#messages.next();
      if (message === undefined) return undefined;
      const { flags } = this.#messages;
      if ((flags & COMPRESSED_FLAG) !== 0) throw notDecompressible();
      if ((flags & this.#passedOver) === 0) return message;
    }
  }

  #end(): IteratorReturnResult<undefined> {
    const torn = this.#messages.isTorn;
    this.#messages.drop();
    if (!torn) return DONE;
    throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
  }
}
