import { create, type DescMethod } from "@bufbuild/protobuf";
import type {
  ConnectRouter,
  ConnectRouterOptions,
  HandlerContext,
  Interceptor,
  MethodImpl,
  ServiceImpl,
} from "@connectrpc/connect";
import type { CallRecords } from "../../observe/mod.ts";
import { withoutStatusDetails } from "../../rpc/mod.ts";
import { type Invoke, recordedMethod } from "./recorded_methods.ts";
import { stillAdmitted } from "../admission/still_admitted.ts";
import type { CallGround } from "./served_call.ts";
import { withoutFailure } from "./foreign_errors.ts";
import { whileAllowedWithinCall, withinCall } from "./service_calls.ts";
import { servedItems } from "./service_items.ts";

/**
 * The router for services that are not ours. A failure of ours in what they throw was reported to
 * *them*, by a worker they had called; passed on, it would tell our caller that this very call was
 * refused before it began, and may be made again elsewhere. So it stays here, and the rest travels.
 */
export function withinBoundary(
  router: ConnectRouter,
  records: CallRecords,
  ground: CallGround,
): ConnectRouter {
  const serve = (method: DescMethod, invoke: Invoke): Invoke => {
    if (method.methodKind !== "unary" && method.methodKind !== "client_streaming") {
      return servedItems(method, invoke, records, ground);
    }
    const guarded = guardedAnswer(method, invoke);
    const called = method.methodKind === "unary"
      ? withinCall(guarded, ground)
      : whileAllowedWithinCall(method, guarded, ground);
    return recordedMethod(method, stillAdmitted(called), records);
  };
  const theirs: ConnectRouter = {
    get handlers() {
      return router.handlers;
    },
    service(service, implementation, options) {
      const methods = implementation as Readonly<Record<string, unknown>>;
      const served: Record<string, unknown> = {};
      for (const method of service.methods) {
        const invoke = methods[method.localName];
        if (typeof invoke !== "function") continue;
        served[method.localName] = serve(method, invoke.bind(implementation));
      }
      router.service(service, served as Partial<ServiceImpl<typeof service>>, within(options));
      return theirs;
    },
    rpc(method, implementation, options) {
      const served = serve(method, implementation as Invoke);
      router.rpc(method, served as MethodImpl<typeof method>, within(options));
      return theirs;
    },
  };
  return theirs;
}

type Options = Partial<ConnectRouterOptions>;

/** The answer is made a message here: reading what an implementation gave may throw, too. */
function guardedAnswer({ output }: DescMethod, invoke: Invoke): Invoke {
  return (request, context) => {
    const answered = (message: unknown) => {
      withoutStatusDetails(context);
      return create(output, message as never);
    };
    const failed = (error: unknown): never => {
      withoutStatusDetails(context);
      return rethrow(error);
    };
    try {
      const answer = invoke(request, context);
      if (!isThenable(answer)) return answered(answer);
      return Promise.resolve(answer).then(answered).catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
}

/** What the service's own interceptors and gate throw is as little about our caller's call. */
function within(options: Options | undefined): Options | undefined {
  if (options === undefined) return undefined;
  const { interceptors, requestGate } = options;
  return {
    ...options,
    ...(interceptors === undefined ? {} : { interceptors: [boundary, ...interceptors] }),
    ...(requestGate === undefined ? {} : {
      requestGate: async (context: HandlerContext) => {
        try {
          await requestGate(context);
        } catch (error) {
          rethrow(error);
        }
      },
    }),
  };
}

const boundary: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    rethrow(error);
  }
};

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function rethrow(thrown: unknown): never {
  throw withoutFailure(thrown);
}
