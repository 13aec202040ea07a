import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type {
  HeaderList,
  ServerConnectionOptions,
  Stream,
  StreamEnd,
  StreamReceiver,
} from "../../http2/mod.ts";
import type { Admission, Admit, ArrivingCall, WaitingCallObserver } from "./admission.ts";
import type { RpcProtocol } from "../wire/protocol.ts";
import { answerStatus, answerStatusOnceMoreArrives, discard } from "./answer_status.ts";
import { callContext } from "./call_context.ts";
import { StreamCall } from "./stream_call.ts";
import { UnaryCall, type UnaryHandler } from "./unary_call.ts";
import { unaryHandlerOf } from "./unary_implementation.ts";
import { type GatherBudget, peerBudgets } from "../wire/gather_budget.ts";
import { RecentValues } from "../../values/mod.ts";
import { type ArrivedRequest, PlainCall } from "./plain_call.ts";
import { refusalKey } from "./refusal.ts";
import { factsOf, type RequestFacts } from "./request_facts.ts";
import { type Share, Turns } from "./turns.ts";
import { recordedRoutes, type Route, type RpcRouter } from "./router.ts";

/** What a request handler serves, and to whom. */
export interface RequestHandlerOptions<Peer, Context> {
  /** Made by `createRpcRouter`; complete when it is given here. */
  readonly router: RpcRouter;
  /** Decides on every call before it begins. */
  readonly admit: Admit<Peer, Context>;
  /**
   * What all messages that are being received may take together, beyond the first 64 KiB of each, and
   * a quarter of it those of one peer, in bytes. Default: 256 MiB, shared with the process.
   */
  readonly gatheredBytes?: number | undefined;
  /**
   * Who a peer is, over all its connections: together they have one share of the memory for messages and of the
   * time on the plain path. Default: each connection has its own.
   */
  readonly peerKey?: ((peer: Peer) => string) | undefined;
  /**
   * Called with an error of our own in the handling of a call, which its caller only learns of as an
   * internal error: in deciding on it, or in writing its response. Must not throw. Default: nothing.
   */
  readonly onFault?: ((error: unknown, path: string) => void) | undefined;
}

/**
 * Serves a router: gives, for each peer, what its HTTP/2 connection calls with every request.
 *
 * @throws {ConfigurationError} where the router names a method whose service it has not.
 */
export function createRequestHandler<Peer, Context>(
  options: RequestHandlerOptions<Peer, Context>,
): (peer: Peer) => ServerConnectionOptions["onRequest"] {
  const { json, routes } = recordedRoutes(options.router);
  const budgetOfPeer = peerBudgets(options.gatheredBytes);
  const turns = new Turns();
  const sharesOf = sharesOfPeers(
    () => ({ budget: budgetOfPeer(), share: turns.share() }),
    options.peerKey,
  );
  const fastHandlers = new Map<Route, UnaryHandler>();
  for (const route of routes.values()) {
    if (route.implementation === undefined) continue;
    fastHandlers.set(route, unaryHandlerOf(route, route.implementation));
  }

  function receive(
    stream: Stream,
    fields: HeaderList,
    endStream: boolean,
    peer: Peer,
    budget: GatherBudget,
    share: Share,
  ): StreamReceiver {
    const facts = factsOf(fields);
    const route = routes.get(facts.path);
    if (route === undefined || facts.ambiguous || !serves(route, facts)) {
      const status = statusOf(route, facts);
      // Answered at once: a caller may send nothing before that.
      if (facts.contentType === "" && !endStream) {
        return answerStatusOnceMoreArrives(stream, status);
      }
      answerStatus(stream, status);
      return discard(stream);
    }
    const { timeoutMs } = facts;
    const { limits } = route;
    const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    const fault = (error: unknown) => options.onFault?.(error, facts.path);
    const request = { stream, fields, facts, route, limits, json, budget, share, deadline, fault };
    const call = callOf(request, fastHandlers.get(route), peer);
    if (!(call instanceof PlainCall)) turns.fastCall();
    if (endStream) call.requestEnded();
    admitInto(call, options.admit, arrivingCall(request, peer, call), fault);
    return call;
  }

  return (peer) => {
    const { budget, share } = sharesOf(peer);
    return (stream, fields, endStream) => receive(stream, fields, endStream, peer, budget, share);
  };
}

/** Peers whose shares are remembered while they have no connection, and beyond. */
const REMEMBERED_PEERS = 4096;

/** What a peer may take of what all of them share. */
interface Shares {
  readonly budget: GatherBudget;
  readonly share: Share;
}

function sharesOfPeers<Peer>(
  make: () => Shares,
  keyOf: ((peer: Peer) => string) | undefined,
): (peer: Peer) => Shares {
  if (keyOf === undefined) return make;
  const known = new RecentValues(REMEMBERED_PEERS, make);
  return (peer) => known.of(keyOf(peer));
}

/** The call on the path that takes it. */
function callOf(
  request: ArrivedRequest,
  fastHandler: UnaryHandler | undefined,
  peer: unknown,
): StreamReceiver & WaitingCall {
  const { facts, route } = request;
  if (facts.plainBinary && fastHandler !== undefined) {
    return new UnaryCall(request, fastHandler, peer);
  }
  if (facts.plainStream && route.duplex !== undefined) {
    return new StreamCall(request, route.duplex, peer);
  }
  return new AdmittedPlainCall(request);
}

/** A call that waits to be admitted. */
interface WaitingCall {
  requestEnded(): void;
  wait(observer: WaitingCallObserver): void;
  admitted(context: unknown, release: () => void): void;
  refused(error: ConnectError): void;
}

class AdmittedPlainCall extends PlainCall implements WaitingCall {
  #release: (() => void) | undefined;
  #waiting: WaitingCallObserver | undefined;

  wait(observer: WaitingCallObserver): void {
    this.#waiting = observer;
    if (this.isGone) observer.gone();
    else if (this.heldBytes > 0) observer.received(this.heldBytes);
  }

  override data(bytes: Uint8Array, endStream: boolean): void {
    super.data(bytes, endStream);
    this.#waiting?.received(bytes.byteLength);
  }

  admitted(context: unknown, release: () => void): void {
    this.#waiting = undefined;
    this.#release = release;
    void this.answer(createContextValues().set(callContext, context)).then(() => this.#leave());
  }

  refused(error: ConnectError): void {
    this.#waiting = undefined;
    void this.answer(createContextValues().set(refusalKey, { error }));
  }

  override closed(end: StreamEnd): void {
    super.closed(end);
    this.#waiting?.gone();
    if (!this.begun) this.#leave();
  }

  #leave(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

function admitInto<Peer, Context>(
  call: WaitingCall,
  admit: Admit<Peer, Context>,
  arriving: ArrivingCall<Peer>,
  fault: (error: unknown) => void,
): void {
  function decided(admission: Admission<Context>): void {
    if (admission.admitted) call.admitted(admission.context, () => admission.release());
    else call.refused(admission.error);
  }
  function failed(error: unknown): void {
    fault(error);
    call.refused(
      new ConnectError("internal error", Code.Internal, undefined, undefined, error),
    );
  }
  let admission: Admission<Context> | Promise<Admission<Context>>;
  try {
    admission = admit(arriving);
  } catch (error) {
    failed(error);
    return;
  }
  if (admission instanceof Promise) admission.then(decided, failed);
  else decided(admission);
}

function arrivingCall<Peer>(
  { fields, facts, route }: ArrivedRequest,
  peer: Peer,
  call: WaitingCall,
): ArrivingCall<Peer> {
  return {
    path: facts.path,
    method: route.method,
    protocol: facts.protocol as RpcProtocol,
    fields,
    peer,
    timeoutMs: facts.timeoutMs,
    wait: (observer) => call.wait(observer),
  };
}

/** Whether the method takes a request of that verb and content type, as connect-es judges it. */
function serves({ handler }: Route, facts: RequestFacts): boolean {
  if (!handler.allowedMethods.includes(facts.httpMethod) || facts.protocol === undefined) {
    return false;
  }
  return facts.contentType === ""
    ? facts.httpMethod === "GET"
    : handler.supportedContentType(facts.contentType);
}

function statusOf(route: Route | undefined, facts: RequestFacts): 400 | 404 | 405 | 415 {
  if (route === undefined) return 404;
  if (facts.ambiguous) return 400;
  return route.handler.allowedMethods.includes(facts.httpMethod) ? 415 : 405;
}
