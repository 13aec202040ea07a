import type { Transport } from "@connectrpc/connect";
import { type DuplexRequest, type Item, WorkerService } from "../gen/mod.ts";
import type { HeaderList } from "../http2/mod.ts";
import {
  type CallEnvelope,
  duplexRequestMessage,
  type EncodedPayload,
  itemOf,
  ROUTINE_HEADER,
} from "../routine/mod.ts";
import type { InputFeed } from "./input_feed.ts";
import { Outbox } from "./outbox.ts";

/** What one attempt at a call with streams is made of. */
export interface StreamExchangeOptions {
  /** Over the connection of the attempt. */
  readonly transport: Transport;
  readonly envelope: CallEnvelope;
  /** What the caller sends, where the routine is a duplex one. */
  readonly feed: InputFeed<DuplexRequest> | undefined;
  readonly fields: HeaderList;
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
}

/** A call with streams on one worker: items come, no further ahead of their reader than it allows. */
export class StreamExchange {
  readonly #options: StreamExchangeOptions;
  readonly #outbox = new Outbox<DuplexRequest>();
  #messages: AsyncIterator<Item> | undefined;
  /** Items taken by the reader for which no credit was given yet. */
  #taken = 0;

  /** Sends nothing before it is read. */
  constructor(options: StreamExchangeOptions) {
    this.#options = options;
  }

  /** The next item; `undefined` once the routine has finished. */
  async next(): Promise<EncodedPayload | undefined> {
    const { feed } = this.#options;
    const messages = this.#messages ??= await this.#begin();
    for (;;) {
      const { done, value } = await messages.next();
      feed?.commit();
      if (done === true) {
        this.#outbox.end();
        return undefined;
      }
      const item = itemOf(value);
      if (item.kind === "value") return item.payload;
      if (item.kind === "credit") feed?.grant(item.items);
    }
  }

  /** The reader is done with an item: another may be under way. */
  taken(): void {
    this.#taken += 1;
    if (this.#taken * 2 < this.#options.envelope.ahead) return;
    this.#outbox.put(duplexRequestMessage({ kind: "credit", items: this.#taken }));
    this.#taken = 0;
  }

  async #begin(): Promise<AsyncIterator<Item>> {
    const { transport, envelope, feed, fields, signal, timeoutMs } = this.#options;
    const outbox = this.#outbox;
    outbox.put(duplexRequestMessage({ kind: "call", call: envelope }));
    feed?.attach(
      {
        item: (message) => outbox.put(message),
        // Our direction stays open: credit for what the routine still sends has to follow.
        end: () => outbox.put(duplexRequestMessage({ kind: "end" })),
      },
      envelope.ahead,
    );
    const headers = new Headers([[ROUTINE_HEADER, envelope.routine], ...pairs(fields)]);
    const { message } = await transport
      .stream(WorkerService.method.duplex, signal, timeoutMs, headers, outbox);
    return message[Symbol.asyncIterator]();
  }
}

function* pairs(fields: HeaderList): Generator<[string, string]> {
  for (let at = 0; at < fields.length; at += 2) yield [fields[at]!, fields[at + 1]!];
}
