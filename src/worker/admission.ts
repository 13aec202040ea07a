import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Health, WorkerService } from "../gen/mod.ts";
import { type AuthorizationError, InvalidPayload, type WorkerUnavailable } from "../errors/mod.ts";
import { headerValue } from "../http2/mod.ts";
import type { Admission, Admit, ArrivingCall } from "../rpc/mod.ts";
import { ROUTINE_HEADER, type RoutineTable, toConnectError } from "../routine/mod.ts";
import type { Authorization, CallAuthorization } from "./authorization.ts";
import type { CallGate } from "./call_gate.ts";
import type { AdmittedCall } from "./admitted_call.ts";
import type { ConnectedPeer } from "./connected_peer.ts";

/** What decides whether a call may begin. */
export interface AdmissionOptions {
  readonly table: RoutineTable;
  readonly gate: CallGate;
  /** Who may call what; everybody everything where there is no policy. */
  readonly authorization: Authorization | undefined;
  /** Whether calls are taken at all. */
  readonly leaving: { readonly refusal: WorkerUnavailable | undefined };
}

/** Decides about calls at their header section, before anything of their body is kept. */
export function admitCalls(options: AdmissionOptions): Admit<ConnectedPeer, AdmittedCall> {
  const { table, gate, leaving, authorization } = options;
  const enter = (arriving: ArrivingCall<ConnectedPeer>): Admission<AdmittedCall> => {
    const { peer } = arriving;
    const refusal = wrongRoutine(table, arriving.method, arriving.fields) ?? gate.enter(peer.key);
    if (refusal !== undefined) return refused(refusal);
    return { admitted: true, context: peer.admitted, release: () => gate.leave(peer.key) };
  };
  return (arriving) => {
    const { method, peer } = arriving;
    const overhead = isOverhead(method);
    if (leaving.refusal !== undefined && !overhead) return refused(leaving.refusal);
    const call = authorization?.begin(arriving);
    if (call === undefined) {
      // Health and description answer also when there is no room: that is when they are asked.
      return overhead ? admitFree(peer.admitted) : enter(arriving);
    }
    const denied = call.atHeaders();
    if (denied instanceof Promise) return whileDeciding(denied, call, () => enter(arriving));
    if (denied !== undefined) return refused(denied);
    return overhead ? admitFree(contextOf(call, peer)) : withAuthorization(enter(arriving), call);
  };
}

/** A call that waits for its decision has its place taken already, so that not too many wait. */
async function whileDeciding(
  denied: Promise<AuthorizationError | undefined>,
  call: CallAuthorization,
  enter: () => Admission<AdmittedCall>,
): Promise<Admission<AdmittedCall>> {
  const entered = enter();
  const error = await denied;
  if (error === undefined) return withAuthorization(entered, call);
  if (entered.admitted) entered.release();
  return refused(error);
}

function withAuthorization(
  admission: Admission<AdmittedCall>,
  call: CallAuthorization,
): Admission<AdmittedCall> {
  if (!admission.admitted) return admission;
  return { ...admission, context: contextOf(call, admission.context.peer) };
}

function contextOf(authorization: CallAuthorization, peer: ConnectedPeer): AdmittedCall {
  return { peer, authorization };
}

function admitFree(context: AdmittedCall): Admission<AdmittedCall> {
  return { admitted: true, context, release: () => {} };
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
  return method.parent === Health || method === WorkerService.method.describe;
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
