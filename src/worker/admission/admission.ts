import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Health, WorkerService } from "../../gen/mod.ts";
import { InvalidPayload, type SelvageError, type WorkerUnavailable } from "../../errors/mod.ts";
import { headerValue } from "../../http2/mod.ts";
import type { Admission, Admit, Admitted, ArrivingCall } from "../../rpc/mod.ts";
import { ROUTINE_HEADER, type RoutineTable, toConnectError } from "../../routine/mod.ts";
import { NOT_FOR_ANONYMOUS } from "./anonymous.ts";
import { type Authenticated, type Authentication, authorizationOf } from "./authentication.ts";
import {
  type Authorization,
  type CallAuthorization,
  isReflection,
  nameOf,
} from "./authorization.ts";
import { type AdmitHookOptions, askAdmitHook } from "./admit_hook.ts";
import type { CallGate } from "./call_gate.ts";
import type { CallQueue, Entry } from "./call_queue.ts";
import type { AdmittedCall } from "./admitted_call.ts";
import type { AuthenticatedCall, ConnectedPeer } from "../connected_peer.ts";

/** What decides about the calls of callers without identity. */
export interface AnonymousAdmission {
  /** Their calls do not wait for a place. */
  readonly gate: Pick<CallGate, "enter" | "leave">;
  readonly authorization: Authorization;
}

/** What decides whether a call may begin. */
export interface AdmissionOptions {
  readonly table: RoutineTable;
  readonly queue: CallQueue;
  /** The places of calls that ask how the worker is and what it serves. */
  readonly overhead: Pick<CallGate, "enter" | "leave">;
  /** Asked of every call that is allowed. */
  readonly hook?: AdmitHookOptions | undefined;
  /** Who calls, as far as tokens tell. */
  readonly authentication: Authentication;
  /** Who may call what; everybody everything where there is no policy. */
  readonly authorization: Authorization | undefined;
  /** What holds for callers without identity, where plaintext is accepted beside TLS. */
  readonly anonymous?: AnonymousAdmission | undefined;
  /** Whether calls are taken at all. */
  readonly leaving: { readonly refusal: WorkerUnavailable | undefined };
}

/**
 * Decides about calls at their header section, before anything of their body is kept: first who calls, then
 * whether it may, then whether the routine is served, whether the hook takes it, and whether there is room or
 * a wait for it.
 */
export function admitCalls(options: AdmissionOptions): Admit<ConnectedPeer, AdmittedCall> {
  const { table, leaving, authentication, anonymous } = options;
  // What runs may call the worker itself until it is over.
  const whileLeaving = ({ peer }: Arriving) => peer.own ? undefined : leaving.refusal;
  const enter = (arriving: Arriving, shown: AuthenticatedCall): MaybeLater<Entered> => {
    // It may have begun to leave while the token was verified.
    const refusal = whileLeaving(arriving) ?? wrongRoutine(table, arriving.method, arriving.fields);
    if (refusal !== undefined) return refused(refusal);
    if (options.hook === undefined) return takePlace(arriving, shown);
    const name = askedFor(arriving.method, arriving.fields);
    const answer = askAdmitHook(options.hook, name, arriving, shown.claims);
    const decided = (refusal: SelvageError | undefined) =>
      refusal === undefined ? takePlace(arriving, shown) : refused(refusal);
    return answer instanceof Promise ? answer.then(decided) : decided(answer);
  };
  const takePlace = (arriving: Arriving, shown: AuthenticatedCall): MaybeLater<Entered> => {
    const { peer } = arriving;
    const gate = peer.anonymous ? anonymous!.gate : options.queue;
    const entry = gate.enter(peer.key, arriving);
    return entry instanceof Promise
      ? entry.then((entry) => entered(entry, shown, gate, peer))
      : entered(entry, shown, gate, peer);
  };
  // Health and description answer also when there is no room: that is when they are asked. But a watch of health
  // lasts as long as its caller likes, and its 20 KB with it.
  const enterOverhead = ({ peer }: Arriving, context: AdmittedCall): Entered => {
    const { overhead } = options;
    const refusal = overhead.enter(peer.key);
    if (refusal !== undefined) return refused(refusal);
    return { admitted: true, context, release: () => overhead.leave(peer.key) };
  };
  const authorize = (arriving: Arriving, shown: Authenticated) => {
    if (shown instanceof Error) return refused(shown);
    const overhead = isOverhead(arriving.method);
    const { authorization } = arriving.peer.anonymous ? anonymous! : options;
    const call = shown.unproven === true
      ? undefined
      : authorization?.begin(arriving, shown.subject);
    if (call === undefined) {
      return overhead ? enterOverhead(arriving, shown) : enter(arriving, shown);
    }
    const denied = call.atHeaders();
    if (denied instanceof Promise) return whileDeciding(denied, call, enter(arriving, shown));
    if (denied !== undefined) return refused(denied);
    const context = withCall(shown, call);
    return overhead ? enterOverhead(arriving, context) : enter(arriving, context);
  };
  return (arriving) => {
    const { method, fields, peer } = arriving;
    const leavingRefusal = whileLeaving(arriving);
    if (leavingRefusal !== undefined && !isOverhead(method)) return refused(leavingRefusal);
    if (peer.anonymous) {
      if (isHealth(method)) return enterOverhead(arriving, peer.admitted);
      if (isDescription(method)) return refused(NOT_FOR_ANONYMOUS);
      const clear = authorizationOf(fields) < 0;
      const name = askedFor(method, fields);
      return authorize(arriving, clear ? peer.admitted : authentication.inTheClear(peer, name));
    }
    if (isHealth(method)) return authorize(arriving, peer.admitted);
    if (method === WorkerService.method.describe && authorizationOf(fields) < 0) {
      const proven = authentication.provenWithout(peer);
      return authorize(arriving, proven ? peer.admitted : { ...peer.admitted, unproven: true });
    }
    const shown = authentication.check(fields, peer, askedFor(method, fields));
    return shown instanceof Promise
      ? shown.then((shown) => authorize(arriving, shown))
      : authorize(arriving, shown);
  };
}

/** A call that has a place. Of a class: V8 may make literals old (`docs/performance-changes.md`). */
class AtGate implements Admitted<AdmittedCall> {
  readonly admitted = true;
  readonly context: AdmittedCall;
  readonly #gate: Pick<CallGate, "leave">;
  readonly #peer: string;

  constructor(context: AdmittedCall, gate: Pick<CallGate, "leave">, { key }: ConnectedPeer) {
    this.context = context;
    this.#gate = gate;
    this.#peer = key;
  }

  release(): void {
    this.#gate.leave(this.#peer);
  }
}

function entered(
  entry: Entry,
  context: AdmittedCall,
  gate: Pick<CallGate, "leave">,
  peer: ConnectedPeer,
): Entered {
  return entry === undefined ? new AtGate(context, gate, peer) : refused(entry);
}

type Arriving = ArrivingCall<ConnectedPeer>;
type Entered = Admission<AdmittedCall>;
type MaybeLater<Value> = Value | Promise<Value>;

/** What a call asks for: the routine that its header names, or the method. */
function askedFor(method: DescMethod, fields: Arriving["fields"]): string {
  const name = method.parent === WorkerService ? headerValue(fields, ROUTINE_HEADER) : undefined;
  return name ?? nameOf(method);
}

/** A call that waits for its decision has its place taken already, so that not too many wait. */
async function whileDeciding(
  denied: Promise<SelvageError | undefined>,
  call: CallAuthorization,
  entering: MaybeLater<Entered>,
): Promise<Entered> {
  const [entered, error] = await Promise.all([entering, denied]);
  if (error === undefined) return withAuthorization(entered, call);
  if (entered.admitted) entered.release();
  return refused(error);
}

function withAuthorization(
  admission: Admission<AdmittedCall>,
  authorization: CallAuthorization,
): Admission<AdmittedCall> {
  if (!admission.admitted) return admission;
  const context = withCall(admission.context, authorization);
  return { admitted: true, context, release: () => admission.release() };
}

/** Written out for calls without a token: copying an object of optional members costs more than the decision. */
function withCall(shown: AuthenticatedCall, authorization: CallAuthorization): AdmittedCall {
  const { peer, subject, claims, unproven } = shown;
  return claims === undefined && unproven === undefined
    ? { peer, subject, authorization }
    : { ...shown, authorization };
}

function refused(refusal: Error): Admission<AdmittedCall> {
  return { admitted: false, error: answerOf(refusal) };
}

/** Refusals that come again and again are answered with the same error. */
const answers = new WeakMap<Error, ConnectError>();

function answerOf(refusal: Error): ConnectError {
  const known = answers.get(refusal);
  if (known !== undefined) return known;
  const error = toConnectError(refusal);
  answers.set(refusal, error);
  return error;
}

function isOverhead(method: DescMethod): boolean {
  return isHealth(method) || method === WorkerService.method.describe;
}

function isDescription(method: DescMethod): boolean {
  return method === WorkerService.method.describe || isReflection(method);
}

function isHealth(method: DescMethod): boolean {
  return method.parent === Health;
}

/** A routine that is named in the header and not served, or one of several, costs no buffering. */
function wrongRoutine(
  table: RoutineTable,
  method: DescMethod,
  fields: Parameters<typeof headerValue>[0],
): Error | undefined {
  if (method.parent !== WorkerService) return undefined;
  const name = headerValue(fields, ROUTINE_HEADER);
  if (name === undefined) return undefined;
  if (fields.indexOf(ROUTINE_HEADER) !== fields.lastIndexOf(ROUTINE_HEADER)) return namedTwice();
  if (table.find(name) !== undefined) return undefined;
  try {
    table.get(name);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** What is decided about a call must be what every reader of its header takes it for. */
function namedTwice(): InvalidPayload {
  return new InvalidPayload(
    `different routines could be meant: there is more than one ${ROUTINE_HEADER} header`,
    { path: "routine" },
  );
}
