import type { Transport } from "@connectrpc/connect";
import type { TransportChoices } from "../../rpc/mod.ts";
import type { Caller } from "../../contract/mod.ts";
import { WorkerService } from "../../gen/mod.ts";
import type { CallRecords, Faults, SelvageEvent } from "../../observe/mod.ts";
import type { RoutineTable } from "../../routine/mod.ts";
import type { RpcRouter } from "../../rpc/mod.ts";
import type { CallGate } from "../admission/call_gate.ts";
import type { Execution } from "./execution.ts";
import { ASKED_BYTES } from "../limits.ts";
import type { WorkerServerOptions } from "../options.ts";
import { withinBoundary } from "./service_boundary.ts";
import { RoutineService } from "./routine_service.ts";
import { SelfDescription } from "./self_description.ts";
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
  const { id, table, execution, dispatcher, records, faults } = options;
  let calls = 0;
  const nextId = () => `${id}-${(++calls).toString(36)}`;
  const ground: CallGround = { workerId: id, dispatcher, nextId };
  const self = new SelfDescription(router, options);
  const routines = new RoutineService({
    table,
    execution,
    records,
    faults,
    ground,
    describe: (admitted) => self.described(admitted),
  });
  const { implementation } = routines;
  const { call, stream, duplex, describe } = WorkerService.method;
  router.rpc(call, implementation.call);
  router.rpc(stream, implementation.stream);
  router.rpc(duplex, implementation.duplex);
  router.rpc(describe, implementation.describe, { readMaxBytes: ASKED_BYTES });
  router.unaryBytes(WorkerService.method.call, routines.callBytes);
  router.unaryBytes(WorkerService.method.describe, self.describedBytes);
  router.streamBytes(WorkerService.method.duplex, routines.streamBytes);
  options.services?.(withinBoundary(router, records, ground));
}

/** The full names of the services that a router serves. */
export function servedBy(router: RpcRouter): ReadonlySet<string> {
  return new Set(router.handlers.map(({ method }) => method.parent.typeName));
}
