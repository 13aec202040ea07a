import { create } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../../rpc/mod.ts";
import type { Caller, Shape } from "../../contract/mod.ts";
import { DescribeResponseSchema, RoutineShape, WorkerService } from "../../gen/mod.ts";
import type { CallRecords, Faults, SelvageEvent } from "../../observe/mod.ts";
import type { RoutineFacts, RoutineTable } from "../../routine/mod.ts";
import type { RpcRouter } from "../../rpc/mod.ts";
import { nameOf } from "../admission/authorization.ts";
import type { CallGate } from "../admission/call_gate.ts";
import type { AdmittedCall } from "../admission/admitted_call.ts";
import type { Execution } from "./execution.ts";
import { ASKED_BYTES } from "../limits.ts";
import type { WorkerServerOptions } from "../options.ts";
import { withinBoundary } from "./service_boundary.ts";
import { RoutineService } from "./routine_service.ts";
import type { CallGround } from "./served_call.ts";

/** What a worker serves. */
export interface ServeRoutinesOptions {
  readonly id: string;
  readonly table: RoutineTable;
  readonly gate: CallGate;
  readonly execution: Execution;
  readonly dispatcher: () => Caller<Transport, SelvageEvent, TransportChoices>;
  readonly records: CallRecords;
  readonly faults: Faults;
  readonly tags: readonly string[];
  readonly verifiesTokens: boolean;
  /** Registers the services that are served beside the routines. */
  readonly services: WorkerServerOptions["services"];
}

/**
 * Serves the routines, and the services beside them.
 *
 * @throws {ConfigurationError} If two services have one name.
 */
export function serveRoutines(router: RpcRouter, options: ServeRoutinesOptions): void {
  const { id, table, gate, execution, dispatcher, records, faults, tags, verifiesTokens } = options;
  let calls = 0;
  const nextId = () => `${id}-${(++calls).toString(36)}`;
  const ground: CallGround = { workerId: id, dispatcher, nextId };
  const routines = new RoutineService({
    table,
    execution,
    records,
    faults,
    ground,
    describe: async (admitted) =>
      create(DescribeResponseSchema, {
        workerId: id,
        routines: await allowedRoutines(table, admitted),
        services: await allowedServices(router, admitted),
        tags: [...tags],
        idleSeconds: BigInt(gate.idleSeconds),
        inFlight: gate.inFlight,
        verifiesTokens,
      }),
  });
  const { implementation } = routines;
  const { call, stream, duplex, describe } = WorkerService.method;
  router.rpc(call, implementation.call);
  router.rpc(stream, implementation.stream);
  router.rpc(duplex, implementation.duplex);
  router.rpc(describe, implementation.describe, { readMaxBytes: ASKED_BYTES });
  router.unaryBytes(WorkerService.method.call, routines.callBytes);
  router.streamBytes(WorkerService.method.duplex, routines.streamBytes);
  options.services?.(withinBoundary(router, records, ground));
}

/** The routines that a caller may call. */
async function allowedRoutines(table: RoutineTable, { authorization, unproven }: AdmittedCall) {
  const all = unproven === true ? [] : table.describe();
  const allowed = await Promise.all(all.map(({ name }) => authorization?.allows(name) ?? true));
  return all.filter((_, at) => allowed[at]).map(description);
}

/** The services of which a caller may call any method. */
async function allowedServices(router: RpcRouter, { authorization, unproven }: AdmittedCall) {
  if (unproven === true) return [];
  const methods = router.handlers.map(({ method }) => method)
    .filter(({ parent }) => parent !== WorkerService);
  const allowed = await Promise.all(
    methods.map((method) => authorization?.allows(nameOf(method)) ?? true),
  );
  return [...new Set(methods.filter((_, at) => allowed[at]).map(({ parent }) => parent.typeName))];
}

/** The full names of the services that a router serves. */
export function servedBy(router: RpcRouter): ReadonlySet<string> {
  return new Set(router.handlers.map(({ method }) => method.parent.typeName));
}

const SHAPES: Readonly<Record<Shape | "unstated", RoutineShape>> = {
  unary: RoutineShape.UNARY,
  stream: RoutineShape.STREAM,
  duplex: RoutineShape.DUPLEX,
  unstated: RoutineShape.UNSPECIFIED,
};

function description({ name, version = "", shape, idempotent }: RoutineFacts) {
  return { name, version, shape: SHAPES[shape], idempotent };
}
