import { create, type DescMethod } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { AnyRoutine } from "../contract/mod.ts";
import { SelvageError } from "../errors/mod.ts";
import {
  type CallRequest,
  type CallResponse,
  CallResponseSchema,
  type DescribeResponse,
  type DuplexRequest,
  type Item,
  type WorkerService,
} from "../gen/mod.ts";
import { headerValue } from "../http2/mod.ts";
import {
  type CallRecord,
  type CallRecords,
  type CallSpan,
  type Faults,
  startServerSpan,
} from "../observe/mod.ts";
import {
  agreeOnRoutine,
  type CallEnvelope,
  callOf,
  decodeCallRequest,
  decodeDuplexRequest,
  duplexMessageOf,
  encodeCallResponse,
  type EncodedPayload,
  encodeItem,
  exchange,
  type ExchangeForm,
  itemMessage,
  type PayloadForm,
  payloadMessage,
  ROUTINE_HEADER,
  type RoutineTable,
  thrownOriginally,
  toConnectError,
} from "../routine/mod.ts";
import {
  type BytesCall,
  callContext,
  type StreamBytesHandler,
  type UnaryBytesHandler,
} from "../rpc/mod.ts";
import type { AdmittedCall, ConnectedPeer } from "./connected_peer.ts";
import type { Execution, Items } from "./execution.ts";
import { type ArrivedCall, type CallGround, ServedCall } from "./served_call.ts";

/** What serving routines takes. */
export interface RoutineServiceOptions {
  readonly table: RoutineTable;
  readonly execution: Execution;
  readonly ground: CallGround;
  /** Where calls are recorded. */
  readonly records: CallRecords;
  /** Where errors of our own are reported. */
  readonly faults: Faults;
  /** What `Describe` answers now. */
  readonly describe: () => DescribeResponse;
}

/** Serves a table of routines as `selvage.v1.WorkerService`. */
export class RoutineService {
  readonly #options: RoutineServiceOptions;

  /** Over a table. */
  constructor(options: RoutineServiceOptions) {
    this.#options = options;
  }

  /** Answers `Call` from its bytes: no messages, no `Headers`, no signal that nobody asks for. */
  get callBytes(): UnaryBytesHandler<ConnectedPeer, AdmittedCall> {
    return async (request, call) => {
      try {
        const arrived = new ArrivedBytes(call);
        const answer = await this.#unary(decodeCallRequest(request), arrived);
        return encodeCallResponse(answer);
      } catch (error) {
        throw toConnectError(error);
      }
    };
  }

  /** Answers `Duplex` from the bytes of its messages. */
  get streamBytes(): StreamBytesHandler<ConnectedPeer, AdmittedCall> {
    return (requests, call) => {
      const messages = this.#exchange(requests, new ArrivedBytes(call), BYTES);
      return {
        next: () => messages.next().catch(throwConnectError),
        return: () => messages.return!(),
      };
    };
  }

  /** What a router serves, in every protocol and form. */
  get implementation(): ServiceImpl<typeof WorkerService> {
    return {
      call: (request, context) => this.#call(request, context),
      stream: (request, context) => this.#stream(request, context),
      duplex: (requests, context) => this.#duplex(requests, context),
      describe: () => this.#options.describe(),
    };
  }

  async #call(request: CallRequest, context: HandlerContext): Promise<CallResponse> {
    try {
      const answer = await this.#unary(callOf(request), new ArrivedMessage(context));
      return create(CallResponseSchema, { result: payloadMessage(answer) });
    } catch (error) {
      throw toConnectError(error, formOf(context));
    }
  }

  async *#stream(request: CallRequest, context: HandlerContext): AsyncGenerator<Item> {
    const { execution } = this.#options;
    try {
      context.signal.throwIfAborted();
      const items = this.#begin(
        callOf(request),
        new ArrivedMessage(context),
        (routine, args, call) => execution.stream(routine, args, call),
      );
      for await (const payload of items) yield itemMessage({ kind: "value", payload });
    } catch (error) {
      throw toConnectError(error, formOf(context));
    }
  }

  async *#duplex(
    requests: AsyncIterable<DuplexRequest>,
    context: HandlerContext,
  ): AsyncGenerator<Item> {
    const messages = this.#exchange(requests, new ArrivedMessage(context), MESSAGES);
    // While it waits for its reader, nobody else would let the routine go.
    const leave = () => void messages.return!();
    context.signal.addEventListener("abort", leave, { once: true });
    try {
      context.signal.throwIfAborted();
      for await (const message of messages) yield message;
      // What was left because the call was cancelled has not ended as it should.
      context.signal.throwIfAborted();
    } catch (error) {
      throw toConnectError(error, formOf(context));
    } finally {
      context.signal.removeEventListener("abort", leave);
    }
  }

  #exchange<Request, Answer>(
    requests: AsyncIterable<Request>,
    arrived: Arrival,
    form: ExchangeForm<Request, Answer>,
  ): AsyncIterableIterator<Answer, undefined> {
    const { execution } = this.#options;
    return exchange(
      requests,
      (envelope, input) =>
        this.#begin(
          envelope,
          arrived,
          (routine, args, call) =>
            routine.shape === "duplex"
              ? execution.duplex(routine, input, args, call)
              : execution.stream(routine, args, call),
        ),
      form,
    );
  }

  async #unary(envelope: CallEnvelope, arrived: Arrival): Promise<EncodedPayload> {
    const { execution, ground } = this.#options;
    const routine = this.#find(envelope, arrived);
    const call = new ServedCall(arrived, envelope, ground);
    const { record, span } = this.#record(routine, call, arrived);
    const run = () => execution.unary(routine, envelope.arguments, call);
    using _running = execution.enter(routine);
    try {
      const answer = await (span === undefined ? run() : span.run(run));
      record.succeeded();
      return answer;
    } catch (error) {
      this.#failed(record, error, arrived);
      throw error;
    }
  }

  /** The items of a call; nothing runs before the first is asked for. */
  async *#begin(
    envelope: CallEnvelope,
    arrived: Arrival,
    run: (routine: AnyRoutine, args: EncodedPayload, call: ServedCall) => Items,
  ): Items {
    const { ground, execution } = this.#options;
    const routine = this.#find(envelope, arrived);
    const call = new ServedCall(arrived, envelope, ground);
    const { record } = this.#record(routine, call, arrived);
    let over = false;
    using _running = execution.enter(routine);
    try {
      yield* run(routine, envelope.arguments, call);
      over = true;
      record.succeeded();
    } catch (error) {
      over = true;
      this.#failed(record, error, arrived);
      throw error;
    } finally {
      if (!over) record.left();
    }
  }

  /** The routine that a call is of; a call of none is recorded, too. */
  #find(envelope: CallEnvelope, arrived: Arrival): AnyRoutine {
    try {
      agreeOnRoutine(arrived.header(ROUTINE_HEADER), envelope.routine);
      return this.#options.table.get(envelope.routine);
    } catch (error) {
      const facts = { kind: "routine", routine: NO_ROUTINE, peer: arrived.peer } as const;
      this.#options.records.begin(facts, undefined).failed(error, false);
      throw error;
    }
  }

  #record(
    { name }: AnyRoutine,
    { id }: ServedCall,
    arrived: Arrival,
  ): { record: CallRecord; span: CallSpan | undefined } {
    const span = startServerSpan(name, () => arrived.header("traceparent"));
    const facts = { kind: "routine", routine: name, id, peer: arrived.peer } as const;
    return { record: this.#options.records.begin(facts, span), span };
  }

  #failed(record: CallRecord, error: unknown, arrived: Arrival): void {
    record.failed(error, arrived.cancelled, thrownOriginally(error));
    const ours = error instanceof SelvageError || error instanceof ConnectError;
    if (!ours && !arrived.cancelled) this.#options.faults.report("routine", error);
  }
}

/** In place of the name of a routine that is not served: that is a peer's text. */
const NO_ROUTINE = "(none)";

/** What goes with an error is written in what the caller can read, as its answer would be. */
function formOf({ requestHeader }: HandlerContext): PayloadForm {
  return /[/+]json\b/.test(requestHeader.get("content-type") ?? "") ? "json" : "cbor";
}

/** A call as it arrived, whichever way. */
interface Arrival extends ArrivedCall {
  /** A header of the request. */
  header(name: string): string | undefined;
  /** Whether the caller is gone, or its time is over. */
  readonly cancelled: boolean;
}

class ArrivedBytes implements Arrival {
  readonly #call: BytesCall<DescMethod, ConnectedPeer, AdmittedCall>;

  constructor(call: BytesCall<DescMethod, ConnectedPeer, AdmittedCall>) {
    this.#call = call;
  }

  get peer(): ArrivedCall["peer"] {
    return this.#call.peer.caller;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get timeoutMs(): number | undefined {
    return this.#call.timeoutMs;
  }

  get deadline(): number | undefined {
    return this.#call.deadline;
  }

  get cancelled(): boolean {
    return this.#call.signal.aborted;
  }

  header(name: string): string | undefined {
    return headerValue(this.#call.fields, name);
  }
}

class ArrivedMessage implements Arrival {
  readonly timeoutMs: number | undefined;
  readonly deadline: number | undefined;
  readonly #context: HandlerContext;

  constructor(context: HandlerContext) {
    this.#context = context;
    this.timeoutMs = context.timeoutMs();
    if (this.timeoutMs !== undefined) this.deadline = performance.now() + this.timeoutMs;
  }

  get peer(): ArrivedCall["peer"] {
    return (this.#context.values.get(callContext) as AdmittedCall).peer.caller;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get cancelled(): boolean {
    return this.#context.signal.aborted;
  }

  header(name: string): string | undefined {
    return this.#context.requestHeader.get(name) ?? undefined;
  }
}

const BYTES: ExchangeForm<Uint8Array, Uint8Array> = {
  read: decodeDuplexRequest,
  write: encodeItem,
};

const MESSAGES: ExchangeForm<DuplexRequest, Item> = { read: duplexMessageOf, write: itemMessage };

function throwConnectError(error: unknown): never {
  throw toConnectError(error);
}
