import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type {
  HeaderList,
  ServerConnectionOptions,
  Stream,
  StreamEnd,
  StreamReceiver,
} from "../../http2/mod.ts";
import type { Admission, Admit, Admitted, ArrivingCall, WaitingCallObserver } from "./admission.ts";
import type { RpcProtocol } from "../wire/protocol.ts";
import { answerStatus, answerStatusOnceMoreArrives, discard } from "./answer_status.ts";
import { callContext } from "./call_context.ts";
import { type FastPath, fastPathOf } from "./fast_path.ts";
import { type GatherBudget, peerBudgets } from "../wire/gather_budget.ts";
import { readingTime, RecentValues } from "../../values/mod.ts";
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
  const fastPaths = new Map<Route, FastPath>();
  for (const route of routes.values()) {
    const fast = fastPathOf(route);
    if (fast !== undefined) fastPaths.set(route, fast);
  }

  function receive(
    stream: Stream,
    fields: HeaderList,
    endStream: boolean,
    peer: Peer,
    ground: PeerGround,
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
    const request = new Arrived(stream, fields, facts, route, ground);
    const fast = fastPaths.get(route)?.(request, peer);
    const call = fast ?? new AdmittedPlainCall(request);
    if (fast !== undefined) turns.fastCall();
    if (endStream) call.requestEnded();
    admitInto(call, options.admit, new Arriving(request, peer, call), request);
    return call;
  }

  return (peer) => {
    const ground = { ...sharesOf(peer), json, onFault: options.onFault };
    return (stream, fields, endStream) => receive(stream, fields, endStream, peer, ground);
  };
}

/** Peers whose shares are remembered while they have no connection, and beyond. */
const REMEMBERED_PEERS = 4096;

/** What a peer may take of what all of them share. */
interface Shares {
  readonly budget: GatherBudget;
  readonly share: Share;
}

/** What all requests of a connection have in common. */
interface PeerGround extends Shares {
  readonly json: ArrivedRequest["json"];
  readonly onFault: RequestHandlerOptions<unknown, unknown>["onFault"];
}

/** A request. Of a class: closures for each took a seventh of what a call allocates. */
class Arrived implements ArrivedRequest {
  readonly stream: Stream;
  readonly fields: HeaderList;
  readonly facts: RequestFacts;
  readonly route: Route;
  readonly deadline: number | undefined;
  readonly #ground: PeerGround;

  constructor(
    stream: Stream,
    fields: HeaderList,
    facts: RequestFacts,
    route: Route,
    ground: PeerGround,
  ) {
    const { timeoutMs } = facts;
    this.stream = stream;
    this.fields = fields;
    this.facts = facts;
    this.route = route;
    this.deadline = timeoutMs === undefined ? undefined : readingTime() + timeoutMs;
    this.#ground = ground;
  }

  get limits(): ArrivedRequest["limits"] {
    return this.route.limits;
  }

  get json(): ArrivedRequest["json"] {
    return this.#ground.json;
  }

  get budget(): GatherBudget {
    return this.#ground.budget;
  }

  get share(): Share {
    return this.#ground.share;
  }

  fault(error: unknown): void {
    this.#ground.onFault?.(error, this.facts.path);
  }
}

function sharesOfPeers<Peer>(
  make: () => Shares,
  keyOf: ((peer: Peer) => string) | undefined,
): (peer: Peer) => Shares {
  if (keyOf === undefined) return make;
  const known = new RecentValues(REMEMBERED_PEERS, make);
  return (peer) => known.of(keyOf(peer));
}

/** A call that waits to be admitted. */
interface WaitingCall {
  requestEnded(): void;
  wait(observer: WaitingCallObserver): void;
  admitted(admission: Admitted<unknown>): void;
  refused(error: ConnectError): void;
}

class AdmittedPlainCall extends PlainCall implements WaitingCall {
  #admission: Admitted<unknown> | undefined;
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

  admitted(admission: Admitted<unknown>): void {
    this.#waiting = undefined;
    this.#admission = admission;
    const values = createContextValues().set(callContext, admission.context);
    void this.answer(values).then(() => this.#leave());
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
    this.#admission?.release();
    this.#admission = undefined;
  }
}

function admitInto<Peer, Context>(
  call: WaitingCall,
  admit: Admit<Peer, Context>,
  arriving: ArrivingCall<Peer>,
  request: ArrivedRequest,
): void {
  let admission: Admission<Context> | Promise<Admission<Context>>;
  try {
    admission = admit(arriving);
  } catch (error) {
    undecided(call, request, error);
    return;
  }
  if (admission instanceof Promise) {
    admission.then(
      (admission) => decided(call, admission),
      (error) => undecided(call, request, error),
    );
  } else decided(call, admission);
}

function decided(call: WaitingCall, admission: Admission<unknown>): void {
  if (admission.admitted) call.admitted(admission);
  else call.refused(admission.error);
}

function undecided(call: WaitingCall, request: ArrivedRequest, error: unknown): void {
  request.fault(error);
  call.refused(new ConnectError("internal error", Code.Internal, undefined, undefined, error));
}

/** A call as what decides about it sees it. */
class Arriving<Peer> implements ArrivingCall<Peer> {
  readonly peer: Peer;
  readonly #request: ArrivedRequest;
  readonly #call: WaitingCall;

  constructor(request: ArrivedRequest, peer: Peer, call: WaitingCall) {
    this.#request = request;
    this.peer = peer;
    this.#call = call;
  }

  get path(): string {
    return this.#request.facts.path;
  }

  get method(): DescMethod {
    return this.#request.route.method;
  }

  get protocol(): RpcProtocol {
    return this.#request.facts.protocol as RpcProtocol;
  }

  get fields(): HeaderList {
    return this.#request.fields;
  }

  get timeoutMs(): number | undefined {
    return this.#request.facts.timeoutMs;
  }

  wait(observer: WaitingCallObserver): void {
    this.#call.wait(observer);
  }
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
