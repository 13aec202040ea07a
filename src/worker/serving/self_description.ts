import { create } from "@bufbuild/protobuf";
import type { Shape } from "../../contract/mod.ts";
import {
  type DescribeResponse,
  DescribeResponseSchema,
  RoutineShape,
  WorkerService,
} from "../../gen/mod.ts";
import type { RoutineFacts, RoutineTable } from "../../routine/mod.ts";
import { type RpcRouter, type UnaryBytesHandler, writeBinary } from "../../rpc/mod.ts";
import type { AdmittedCall } from "../admission/admitted_call.ts";
import { nameOf } from "../admission/authorization.ts";
import type { CallGate } from "../admission/call_gate.ts";
import type { ConnectedPeer } from "../connected_peer.ts";
import { joined } from "../../values/mod.ts";

/** What a worker says of itself. */
export interface SelfDescriptionOptions {
  readonly id: string;
  readonly table: RoutineTable;
  readonly gate: CallGate;
  readonly tags: readonly string[];
  readonly verifiesTokens: boolean;
}

/** What `Describe` answers. */
export class SelfDescription {
  readonly #router: RpcRouter;
  readonly #options: SelfDescriptionOptions;
  /** What lasts of the answer to those whom nothing is denied. */
  #lasting: Uint8Array | undefined;

  constructor(router: RpcRouter, options: SelfDescriptionOptions) {
    this.#router = router;
    this.#options = options;
  }

  /** The answer to a call that was admitted so. */
  async described(admitted: AdmittedCall): Promise<DescribeResponse> {
    const { id, table, tags, verifiesTokens } = this.#options;
    return create(DescribeResponseSchema, {
      workerId: id,
      routines: await allowedRoutines(table, admitted),
      services: await allowedServices(this.#router, admitted),
      tags: [...tags],
      verifiesTokens,
      ...this.#now(),
    });
  }

  /** The same in bytes: what lasts of it is written once, for every new connection of a dispatcher asks for it. */
  get describedBytes(): UnaryBytesHandler<ConnectedPeer, AdmittedCall> {
    return (_request, { context }) => this.#bytes(context);
  }

  async #bytes(admitted: AdmittedCall): Promise<Uint8Array> {
    if (admitted.authorization !== undefined || admitted.unproven === true) {
      return writeBinary(DescribeResponseSchema, await this.described(admitted));
    }
    this.#lasting ??= writeBinary(DescribeResponseSchema, {
      ...await this.described(admitted),
      idleSeconds: 0n,
      inFlight: undefined,
    });
    // Messages that follow one another are one (Protocol Buffers, "Last One Wins").
    return joined([this.#lasting, writeBinary(DescribeResponseSchema, this.#now())]);
  }

  #now(): Pick<DescribeResponse, "idleSeconds"> & { readonly inFlight: number } {
    const { gate } = this.#options;
    return { idleSeconds: BigInt(gate.idleSeconds), inFlight: gate.inFlight };
  }
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

const SHAPES: Readonly<Record<Shape | "unstated", RoutineShape>> = {
  unary: RoutineShape.UNARY,
  stream: RoutineShape.STREAM,
  duplex: RoutineShape.DUPLEX,
  unstated: RoutineShape.UNSPECIFIED,
};

function description({ name, version = "", shape, idempotent }: RoutineFacts) {
  return { name, version, shape: SHAPES[shape], idempotent };
}
