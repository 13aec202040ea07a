import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Health, WorkerService } from "../gen/mod.ts";
import { InvalidPayload, type WorkerUnavailable } from "../errors/mod.ts";
import { headerValue } from "../http2/mod.ts";
import type { Admission, Admit } from "../rpc/mod.ts";
import { ROUTINE_HEADER, type RoutineTable, toConnectError } from "../routine/mod.ts";
import type { CallGate } from "./call_gate.ts";
import type { AdmittedCall, ConnectedPeer } from "./connected_peer.ts";

/** What decides whether a call may begin. */
export interface AdmissionOptions {
  readonly table: RoutineTable;
  readonly gate: CallGate;
  /** Whether calls are taken at all. */
  readonly leaving: { readonly refusal: WorkerUnavailable | undefined };
}

/** Decides about calls at their header section, before anything of their body is kept. */
export function admitCalls(options: AdmissionOptions): Admit<ConnectedPeer, AdmittedCall> {
  const { table, gate, leaving } = options;
  const free = () => {};
  return ({ method, fields, peer }): Admission<AdmittedCall> => {
    // Health and description answer also when there is no room: that is when they are asked.
    if (isOverhead(method)) return { admitted: true, context: peer.admitted, release: free };
    const refusal = leaving.refusal ?? wrongRoutine(table, method, fields) ??
      gate.enter(peer.key);
    if (refusal !== undefined) return { admitted: false, error: toldAs(refusal) };
    return { admitted: true, context: peer.admitted, release: () => gate.leave(peer.key) };
  };
}

/** Refusals that come again and again are told with the same error. */
const told = new WeakMap<Error, ConnectError>();

function toldAs(refusal: Error): ConnectError {
  const known = told.get(refusal);
  if (known !== undefined) return known;
  const error = toConnectError(refusal);
  told.set(refusal, error);
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
