import { create } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { AnyRoutine } from "../../contract/mod.ts";
import { SelvageError } from "../../errors/mod.ts";
import {
  type CallRequest,
  type CallResponse,
  CallResponseSchema,
  type DescribeResponse,
  type DuplexRequest,
  type Item,
  type WorkerService,
} from "../../gen/mod.ts";
import {
  type CallFacts,
  type CallRecord,
  type CallRecords,
  type CallSpan,
  type Faults,
  startServerSpan,
} from "../../observe/mod.ts";
import {
  agreeOnRoutine,
  type CallEnvelope,
  callOf,
  type CallPeer,
  decodeCallRequest,
  decodeDuplexRequest,
  duplexMessageOf,
  encodeCallResponse,
  type EncodedPayload,
  encodeItem,
  type FlowingMessages,
  itemMessage,
  type PayloadForm,
  payloadMessage,
  type PullableItems,
  ROUTINE_HEADER,
  type RoutineTable,
  serveStream,
  type StreamForm,
  thrownOriginally,
  toConnectError,
} from "../../routine/mod.ts";
import { payloadDigest, unauthenticated } from "../../policy/mod.ts";
import type { StreamBytesHandler, UnaryBytesHandler } from "../../rpc/mod.ts";
import { admittedOf, type Arrival, ArrivedBytes, ArrivedMessage } from "../admission/arrival.ts";
import type { AdmittedCall } from "../admission/admitted_call.ts";
import type { ConnectedPeer } from "../connected_peer.ts";
import type { Execution } from "./execution.ts";
import { type CallGround, ServedCall } from "./served_call.ts";
import { NO_ROUTINE } from "./recorded_refusals.ts";
import { BegunItems, type RunningItems } from "./begun_items.ts";
import { whileAllowed } from "../admission/while_allowed.ts";

/** What serving routines takes. */
export interface RoutineServiceOptions {
  readonly table: RoutineTable;
  readonly execution: Execution;
  readonly ground: CallGround;
  readonly records: CallRecords;
  readonly faults: Faults;
  /** What `Describe` answers now, to a call that was admitted so. */
  readonly describe: (admitted: AdmittedCall) => Promise<DescribeResponse>;
}

/** Serves a table of routines as `selvage.v1.WorkerService`. */
export class RoutineService {
  readonly #options: RoutineServiceOptions;

  constructor(options: RoutineServiceOptions) {
    this.#options = options;
  }

  /** Answers `Call` from its bytes: no messages, no `Headers`, no signal that nobody asks for. */
  get callBytes(): UnaryBytesHandler<ConnectedPeer, AdmittedCall> {
    return (request, call) => {
      try {
        const answer = this.#unary(decodeCallRequest(request), new ArrivedBytes(call));
        return answer instanceof Promise ? encodedLater(answer) : encodeCallResponse(answer);
      } catch (error) {
        throw toConnectError(error);
      }
    };
  }

  /** Answers `Duplex` from the bytes of its messages. */
  get streamBytes(): StreamBytesHandler<ConnectedPeer, AdmittedCall> {
    return (requests, call) => {
      const messages = this.#serveStream(requests, new ArrivedBytes(call), BYTES);
      return {
        next: () => messages.next().catch(throwConnectError),
        return: () => messages.return(),
        flow: (sink) => messages.flow(sink).catch(throwConnectError),
        resume: () => messages.resume(),
      };
    };
  }

  /** What a router serves, in every protocol and form. */
  get implementation(): ServiceImpl<typeof WorkerService> {
    return {
      call: (request, context) => this.#call(request, context),
      stream: (request, context) => this.#stream(request, context),
      duplex: (requests, context) => this.#duplex(requests, context),
      describe: (_request, context) => this.#options.describe(admittedOf(context)),
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
    const messages = this.#serveStream(requests, new ArrivedMessage(context), MESSAGES);
    // While it waits for its reader, nobody else would let the routine go.
    const leave = () => void messages.return();
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

  #serveStream<Request, Answer>(
    requests: AsyncIterable<Request>,
    arrived: Arrival,
    form: StreamForm<Request, Answer>,
  ): FlowingMessages<Answer> {
    const { execution } = this.#options;
    return serveStream(
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
      { unread: arrived.admitted.peer.unread },
    );
  }

  #unary(envelope: CallEnvelope, arrived: Arrival): MaybeLater<EncodedPayload> {
    const { authorization, session } = arrived.admitted;
    session?.insist();
    const deciding = authorization?.atEnvelope(envelope.routine, envelope.tags);
    return deciding instanceof Promise
      ? deciding.then(() => this.#answer(envelope, arrived))
      : this.#answer(envelope, arrived);
  }

  /** Runs the routine of a call that is allowed; the result is there at once where the routine returns no promise. */
  #answer(envelope: CallEnvelope, arrived: Arrival): MaybeLater<EncodedPayload> {
    const { execution, ground, records } = this.#options;
    insistOnPayload(envelope.arguments, arrived.admitted.payloadDigest);
    const routine = this.#find(envelope, arrived);
    const call = new ServedCall(arrived, envelope, ground);
    const span = spanOf(routine, arrived);
    const record = records.begin(new ServedFacts(routine, call, arrived), span);
    const running = execution.enter(routine);
    let answer: MaybeLater<EncodedPayload>;
    try {
      answer = span === undefined
        ? execution.unary(routine, envelope.arguments, call)
        : span.run(() => execution.unary(routine, envelope.arguments, call));
      if (answer instanceof Promise) {
        return this.#answerLater(answer, call, record, running, arrived);
      }
      record.succeeded();
    } catch (error) {
      this.#failed(record, error, arrived);
      running?.[Symbol.dispose]();
      call.over();
      throw error;
    }
    running?.[Symbol.dispose]();
    call.over();
    return answer;
  }

  async #answerLater(
    answer: Promise<EncodedPayload>,
    call: ServedCall,
    record: CallRecord,
    running: Disposable | undefined,
    arrived: Arrival,
  ): Promise<EncodedPayload> {
    try {
      const result = await answer;
      record.succeeded();
      return result;
    } catch (error) {
      this.#failed(record, error, arrived);
      throw error;
    } finally {
      running?.[Symbol.dispose]();
      call.over();
    }
  }

  /** The items of a call; nothing runs before the first is asked for. */
  #begin(envelope: CallEnvelope, arrived: Arrival, run: RunItems): PullableItems {
    return new BegunItems({
      start: () => this.#start(envelope, arrived, run),
      failed: ({ record }, error) => this.#failed(record, error, arrived),
    });
  }

  async #start(envelope: CallEnvelope, arrived: Arrival, run: RunItems): Promise<RunningItems> {
    const { ground, execution } = this.#options;
    const { admitted } = arrived;
    admitted.session?.insist();
    await admitted.authorization?.atEnvelope(envelope.routine, envelope.tags);
    insistOnPayload(envelope.arguments, admitted.payloadDigest);
    const routine = this.#find(envelope, arrived);
    const call = new ServedCall(arrived, envelope, ground);
    const span = spanOf(routine, arrived);
    const record = this.#options.records.begin(new ServedFacts(routine, call, arrived), span);
    const running = execution.enter(routine);
    try {
      const items = run(routine, envelope.arguments, call);
      const allowed = whileAllowed<EncodedPayload>(
        span === undefined ? items : span.iterate(items),
        {
          admitted,
          name: routine.name,
          tags: envelope.tags,
          expired: (error) => call.expire(error),
          denied: (error, ended) => arrived.endNow(toConnectError(error), ended),
        },
      );
      return {
        items: allowed === items ? items : allowed[Symbol.asyncIterator](),
        record,
        running,
      };
    } catch (error) {
      running?.[Symbol.dispose]();
      this.#failed(record, error, arrived);
      throw error;
    }
  }

  /** The routine that a call is of; a call of none is recorded, too. */
  #find(envelope: CallEnvelope, arrived: Arrival): AnyRoutine {
    try {
      const header = arrived.header(ROUTINE_HEADER);
      agreeOnRoutine(header, envelope.routine);
      // The same text, whose hash is known: the header's is the one that HPACK has kept.
      return this.#options.table.get(header ?? envelope.routine);
    } catch (error) {
      const facts = { kind: "routine", routine: NO_ROUTINE, peer: arrived.peer } as const;
      this.#options.records.begin(facts, undefined).failed(error, false);
      throw error;
    }
  }

  #failed(record: CallRecord, error: unknown, arrived: Arrival): void {
    record.failed(error, arrived.cancelled, thrownOriginally(error));
    const ours = error instanceof SelvageError || error instanceof ConnectError;
    if (!ours && !arrived.cancelled) this.#options.faults.report("routine", error);
  }
}

type RunItems = (routine: AnyRoutine, args: EncodedPayload, call: ServedCall) => PullableItems;

/** A token that was made for other arguments vouches for nothing; they are not decoded. */
function insistOnPayload(args: EncodedPayload, digest: string | undefined): void {
  if (digest === undefined || digest === payloadDigest(args)) return;
  throw unauthenticated("token-bad-signature", "the token was made for other arguments");
}

/** What goes with an error is written in what the caller can read, as its answer would be. */
function formOf({ requestHeader }: HandlerContext): PayloadForm {
  return /[/+]json\b/.test(requestHeader.get("content-type") ?? "") ? "json" : "cbor";
}

const BYTES: StreamForm<Uint8Array, Uint8Array> = {
  read: decodeDuplexRequest,
  write: encodeItem,
};

const MESSAGES: StreamForm<DuplexRequest, Item> = { read: duplexMessageOf, write: itemMessage };

type MaybeLater<Value> = Value | Promise<Value>;

async function encodedLater(answer: Promise<EncodedPayload>): Promise<Uint8Array> {
  try {
    return encodeCallResponse(await answer);
  } catch (error) {
    throw toConnectError(error);
  }
}

function spanOf({ name }: AnyRoutine, arrived: Arrival): CallSpan | undefined {
  return startServerSpan(name, () => arrived.header("traceparent"));
}

/** What is recorded of a call. Of a class: V8 may make literals old (`docs/performance-changes.md`). */
class ServedFacts implements CallFacts {
  readonly kind = "routine";
  readonly routine: string;
  readonly id: string;
  readonly peer: CallPeer;

  constructor({ name }: AnyRoutine, { id }: ServedCall, { peer }: Arrival) {
    this.routine = name;
    this.id = id;
    this.peer = peer;
  }
}

function throwConnectError(error: unknown): never {
  throw toConnectError(error);
}
