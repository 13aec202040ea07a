import { WorkerService } from "../../gen/mod.ts";
import { headerValue } from "../../http2/mod.ts";
import type { CallRecords } from "../../observe/mod.ts";
import type { Admission, Admit, ArrivingCall } from "../../rpc/mod.ts";
import { ROUTINE_HEADER, type RoutineTable } from "../../routine/mod.ts";

/** In place of the name of a routine that is not served: that is a peer's text. */
export const NO_ROUTINE = "(none)";

/** Records the calls that are refused before they begin, as those that fail later are. */
export function recordRefusals<
  Peer extends { readonly ref: { readonly address: string } },
  Context,
>(
  admit: Admit<Peer, Context>,
  table: RoutineTable,
  records: CallRecords,
): Admit<Peer, Context> {
  const noted = (arriving: ArrivingCall<Peer>, admission: Admission<Context>) => {
    if (!admission.admitted) {
      const { error } = admission;
      records.begin(factsOf(arriving, table), undefined).failed(error.cause ?? error, false);
    }
    return admission;
  };
  return (arriving) => {
    const admission = admit(arriving);
    return admission instanceof Promise
      ? admission.then((admission) => noted(arriving, admission))
      : noted(arriving, admission);
  };
}

function factsOf<Peer extends { readonly ref: { readonly address: string } }>(
  { method, fields, peer }: ArrivingCall<Peer>,
  table: RoutineTable,
) {
  const { ref } = peer;
  if (method.parent !== WorkerService) {
    return {
      kind: "service",
      routine: `${method.parent.typeName}/${method.name}`,
      peer: ref,
    } as const;
  }
  const name = headerValue(fields, ROUTINE_HEADER);
  const served = name !== undefined && table.find(name) !== undefined;
  return { kind: "routine", routine: served ? name : NO_ROUTINE, peer: ref } as const;
}
