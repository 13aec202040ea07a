import type { DescMethod } from "@bufbuild/protobuf";
import type { CallFacts } from "../../observe/mod.ts";
import { fieldsOfHeaders } from "../../rpc/mod.ts";
import type { RequestFields } from "./call_settings.ts";
import { CallBounds, type PlacedCall } from "./placed_call.ts";
import { methodName } from "./recorded_transport.ts";
import { isIdempotent } from "./transport.ts";

/** What the calls of a method have in common. */
export class CalledMethod<Request> implements CallFacts {
  readonly kind = "service";
  readonly routine: string;
  readonly idempotent: boolean;
  readonly request: Request;

  /** @param request what is prepared of each call. */
  constructor(method: DescMethod, request: Request) {
    this.routine = methodName(method);
    this.idempotent = isIdempotent(method);
    this.request = request;
  }
}

/** A call of a service that looks for a worker. */
export class PlacedServiceCall extends CallBounds implements PlacedCall {
  readonly routine: string;
  readonly wanted = ANY_WORKER;
  readonly idempotent: boolean;
  readonly ofService = true;

  /** As {@linkcode PlacedCall} has them. */
  constructor(
    { routine, idempotent }: Pick<CalledMethod<unknown>, "routine" | "idempotent">,
    { signal, timeoutMs, deadline }: CallBounds,
  ) {
    super(signal, timeoutMs, deadline);
    this.routine = routine;
    this.idempotent = idempotent;
  }
}

const ANY_WORKER: PlacedCall["wanted"] = {};

/** A call's own headers, and behind them the fields that every request carries. */
export function requestFields(
  header: HeadersInit | undefined,
  common: RequestFields | undefined,
): RequestFields | undefined {
  if (header === undefined) return common;
  const own = fieldsOfHeaders(header);
  if (common === undefined) return () => own;
  return (link) => {
    const found = common(link);
    return found instanceof Promise
      ? found.then((fields) => [...own, ...fields])
      : [...own, ...found];
  };
}
