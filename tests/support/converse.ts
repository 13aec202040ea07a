import { create, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { ClientConnection } from "../../src/http2/mod.ts";
import {
  type CompressionName,
  createTransport,
  prepareRequest,
  type RpcLimits,
  type RpcRouter,
  StreamExchange,
} from "../../src/rpc/mod.ts";
import { readBinary } from "../../src/rpc/wire/binary_form.ts";
import { echoFailure, throughPlainPath } from "./echo.ts";
import {
  type EchoRequest,
  EchoRequestSchema,
  EchoResponseSchema,
  EchoService,
} from "./gen/selvage/test/v1/echo_pb.ts";
import { Tally } from "./tally.ts";

/** Through bytes, or through connect-es. */
export type StreamLane = "bytes" | "plain";

/** The same at the caller, and messages on the fast path. */
export type ClientLane = StreamLane | "messages";

/** What the conversations of a server did. */
export class ConverseRecord {
  begun = 0;
  /** How often one ran its `finally`. */
  finished = 0;
  /** How many have begun and have not. */
  readonly unfinished: Tally = new Tally();
  /** Items of a `flood` that were asked for. */
  flooded = 0;
  /** Requests that were read. */
  readonly read: Tally = new Tally();
  /** Why the signals of those asked to `hang` aborted. */
  readonly aborted: unknown[] = [];
  /** Resolves when one asked to `hang` has begun to. */
  readonly hanging: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Those asked to `wait` go on when it resolves. */
  readonly go: PromiseWithResolvers<void> = Promise.withResolvers();
}

/** Serves `Converse` from its bytes, or from messages alone. */
export function serveConverse(router: RpcRouter, lane: StreamLane, record: ConverseRecord): void {
  router.service(EchoService, {
    converse: (requests, context) => converse(requests, context.signal, record),
  });
  if (lane === "plain") return;
  router.streamBytes(EchoService.method.converse, async function* (requests, call) {
    for await (const item of converse(read(requests), call.signal, record)) {
      yield toBinary(EchoResponseSchema, create(EchoResponseSchema, item));
    }
  });
}

/** One call of `Converse`, from the caller's side. */
export interface Conversation {
  send(request: Partial<Pick<EchoRequest, "text" | "data">>): void;
  end(): void;
  /** The next response; `undefined` after the last. */
  next(): Promise<{ readonly text: string; readonly index: number } | undefined>;
  cancel(): void;
}

/** How a conversation is had. */
export interface ConversationOptions {
  readonly timeoutMs?: number;
  readonly acceptCompression?: readonly CompressionName[];
  readonly limits?: Partial<RpcLimits>;
}

/** Begins a conversation: on bytes, on messages of the fast path, or as any client of Connect does. */
export function beginConversation(
  lane: ClientLane,
  connection: ClientConnection,
  options: ConversationOptions = {},
): Conversation {
  return lane === "bytes" ? onBytes(connection, options) : onMessages(lane, connection, options);
}

/** The result of a conversation: its texts, and the error it ends with. */
export async function heard(
  conversation: Conversation,
): Promise<{ readonly texts: readonly string[]; readonly error: ConnectError | undefined }> {
  const texts: string[] = [];
  try {
    for (;;) {
      const response = await conversation.next();
      if (response === undefined) return { texts, error: undefined };
      texts.push(response.text);
    }
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return { texts, error };
  }
}

async function* converse(
  requests: AsyncIterable<EchoRequest>,
  signal: AbortSignal,
  record: ConverseRecord,
): AsyncGenerator<{ text: string; data?: Uint8Array; index: number }> {
  record.begun++;
  record.unfinished.add(1);
  let index = 0;
  try {
    for await (const { text, data } of requests) {
      record.read.add(1);
      if (text === "fail") throw echoFailure();
      if (text === "throw") throw new TypeError("not for the caller to read");
      if (text === "hang") await hang(signal, record);
      if (text === "wait") await record.go.promise;
      if (text === "enough") return;
      if (text === "flood") {
        for (; record.flooded < 1000; record.flooded++) yield { text: "", data, index: index++ };
      } else yield { text, data, index: index++ };
    }
  } finally {
    record.finished++;
    record.unfinished.add(-1);
  }
}

function hang(signal: AbortSignal, record: ConverseRecord): Promise<never> {
  return new Promise((_, reject) => {
    const aborted = () => {
      record.aborted.push(signal.reason);
      reject(signal.reason);
    };
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted);
    record.hanging.resolve();
  });
}

async function* read(requests: AsyncIterable<Uint8Array>): AsyncGenerator<EchoRequest> {
  for await (const bytes of requests) yield readBinary(EchoRequestSchema, bytes);
}

function onBytes(connection: ClientConnection, options: ConversationOptions): Conversation {
  const { timeoutMs, acceptCompression = [], limits = {} } = options;
  const request = prepareRequest(EchoService.method.converse, { acceptCompression, limits });
  const exchange = new StreamExchange(connection, request, { timeoutMs });
  return {
    send: (request) =>
      exchange.send(toBinary(EchoRequestSchema, create(EchoRequestSchema, request))),
    end: () => exchange.end(),
    async next() {
      const bytes = await exchange.next();
      return bytes === undefined ? undefined : readBinary(EchoResponseSchema, bytes);
    },
    cancel: () => exchange.cancel(ConnectError.from(new DOMException("left", "AbortError"))),
  };
}

function onMessages(
  lane: "messages" | "plain",
  connection: ClientConnection,
  options: ConversationOptions,
): Conversation {
  const { timeoutMs, acceptCompression = [], limits = {} } = options;
  const interceptors = lane === "plain" ? [throughPlainPath] : [];
  const transport = createTransport({ connection, acceptCompression, limits, interceptors });
  const controller = new AbortController();
  const outbox: Partial<EchoRequest>[] = [];
  let wake = Promise.withResolvers<void>();
  let ended = false;
  async function* requests() {
    for (;;) {
      const message = outbox.shift();
      if (message !== undefined) yield message;
      else if (ended) return;
      else await (wake = Promise.withResolvers()).promise;
    }
  }
  const { converse } = EchoService.method;
  const response = transport
    .stream(converse, controller.signal, timeoutMs, undefined, requests() as never)
    .then(({ message }) => message[Symbol.asyncIterator]());
  response.catch(() => {});
  return {
    send(request) {
      outbox.push(request);
      wake.resolve();
    },
    end() {
      ended = true;
      wake.resolve();
    },
    next: async () => (await (await response).next()).value,
    cancel: () => controller.abort(),
  };
}
