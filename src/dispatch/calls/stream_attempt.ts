import { Code, ConnectError } from "@connectrpc/connect";
import type { ClientConnection, HeaderList } from "../../http2/mod.ts";
import {
  type CallEnvelope,
  decodeItem,
  type EncodedPayload,
  encodeDuplexRequest,
} from "../../routine/mod.ts";
import { type PreparedStream, StreamExchange } from "../../rpc/mod.ts";
import type { InputFeed } from "./input_feed.ts";

/** What one attempt at a call with streams is made of. */
export interface StreamAttemptOptions {
  /** The connection of the attempt. */
  readonly connection: ClientConnection;
  readonly request: PreparedStream;
  readonly envelope: CallEnvelope;
  /** What the caller sends, where the routine is a duplex one. */
  readonly feed: InputFeed<Uint8Array> | undefined;
  readonly fields: HeaderList | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
}

/** A call with streams on one worker: items come, no further ahead of their reader than it allows. */
export class StreamAttempt {
  readonly #ahead: number;
  readonly #feed: InputFeed<Uint8Array> | undefined;
  readonly #exchange: StreamExchange;
  /** Items taken by the reader for which no credit was given yet. */
  #taken = 0;
  /** What the caller's own stream failed with. */
  #inputFailure: { readonly error: unknown } | undefined;

  /** Sends the call. */
  constructor(options: StreamAttemptOptions) {
    const { connection, request, envelope, feed } = options;
    const exchange = new StreamExchange(connection, request, options);
    this.#exchange = exchange;
    this.#ahead = envelope.ahead;
    this.#feed = feed;
    exchange.send(encodeDuplexRequest({ kind: "call", call: envelope }));
    const resume = () => feed?.resume();
    exchange.onWritable = resume;
    feed?.attach(
      {
        item: (message, isKept) => exchange.send(message, !isKept),
        // Our direction stays open: credit for what the routine still sends has to follow.
        end: () => exchange.send(encodeDuplexRequest({ kind: "end" })),
        failed: (error) => {
          this.#inputFailure = { error };
          exchange.cancel(INPUT_FAILED);
        },
      },
      envelope.ahead,
    );
  }

  /** The next item that is there already; `undefined` where there is none, or only `next` knows. */
  take(): EncodedPayload | undefined {
    while (this.#inputFailure === undefined) {
      const message = this.#exchange.take();
      if (message === undefined) return undefined;
      const payload = this.#read(message);
      if (payload !== undefined) return payload;
    }
    return undefined;
  }

  /** The item behind the one that was taken, where it arrived with it and is small; it may be taken ahead. */
  takeSmall(): EncodedPayload | undefined {
    for (;;) {
      const message = this.#exchange.takeSmall();
      if (message === undefined) return undefined;
      const payload = this.#read(message);
      if (payload !== undefined) return payload;
    }
  }

  /** Whether the call has failed, so that `next` throws. */
  get hasFailed(): boolean {
    return this.#inputFailure !== undefined || this.#exchange.hasFailed;
  }

  /** The next item; `undefined` once the routine has finished. */
  async next(): Promise<EncodedPayload | undefined> {
    for (;;) {
      const message = await this.#nextMessage();
      if (message === undefined) {
        this.#feed?.commit();
        this.#exchange.end();
        return undefined;
      }
      const payload = this.#read(message);
      if (payload !== undefined) return payload;
    }
  }

  /** The reader is done with an item: another may be under way. */
  taken(): void {
    this.#taken += 1;
    if (this.#taken * 2 < this.#ahead) return;
    this.#exchange.send(encodeDuplexRequest({ kind: "credit", items: this.#taken }));
    this.#taken = 0;
    // Of the items that arrived in this turn half may be unread: the routine makes more meanwhile.
    this.#exchange.flush();
  }

  /** Ends the call, unless it is over. */
  leave(reason: ConnectError): void {
    this.#exchange.cancel(reason);
  }

  async #nextMessage(): Promise<Uint8Array | undefined> {
    try {
      return await this.#exchange.next();
    } catch (error) {
      throw this.#inputFailure === undefined ? error : this.#inputFailure.error;
    }
  }

  /** The payload of an item; `undefined` of any other message. */
  #read(message: Uint8Array): EncodedPayload | undefined {
    this.#feed?.commit();
    const item = decodeItem(message);
    if (item.kind === "credit") this.#feed?.grant(item.items);
    return item.kind === "value" ? item.payload : undefined;
  }
}

const INPUT_FAILED = new ConnectError("the caller's stream failed", Code.Canceled);
