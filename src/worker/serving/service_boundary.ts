import { create, type DescMethod } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  type HandlerContext,
  type Interceptor,
  type MethodImpl,
  type ServiceImpl,
} from "@connectrpc/connect";
import { FailureSchema } from "../../gen/mod.ts";
import type { CallRecords } from "../../observe/mod.ts";
import { withoutStatusDetails } from "../../rpc/mod.ts";
import { type Invoke, recordedMethod } from "./recorded_methods.ts";
import { stillAdmitted } from "../admission/still_admitted.ts";
import type { CallGround } from "./served_call.ts";
import { withinCall } from "./service_calls.ts";

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
  const serve = (method: DescMethod, invoke: Invoke): Invoke =>
    recordedMethod(
      method,
      stillAdmitted(method, withinCall(method, guarded(method, invoke), ground)),
      records,
    );
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

function guarded(method: DescMethod, invoke: Invoke): Invoke {
  return method.methodKind === "unary" || method.methodKind === "client_streaming"
    ? guardedAnswer(method, invoke)
    : guardedItems(method, invoke as (...args: Parameters<Invoke>) => AsyncIterable<never>);
}

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

function guardedItems(
  { output }: DescMethod,
  invoke: (...args: Parameters<Invoke>) => AsyncIterable<never>,
): (...args: Parameters<Invoke>) => AsyncIterable<unknown> {
  return async function* (request, context) {
    try {
      for await (const item of invoke(request, context)) yield create(output, item);
    } catch (error) {
      rethrow(error);
    } finally {
      withoutStatusDetails(context);
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

/** Any other error is answered by its class alone; one that does not let itself be read is such. */
function withoutFailure(thrown: unknown): unknown {
  try {
    return thrown instanceof ConnectError ? rebuilt(thrown) : thrown;
  } catch {
    return new Error("an error that cannot be read");
  }
}

/** Made anew, so that it is read once: what was seen is what is sent. */
function rebuilt(thrown: ConnectError): ConnectError {
  const { rawMessage, code, metadata, cause, stack } = thrown;
  const error = new ConnectError(rawMessage, code, metadata, undefined, cause);
  error.details = Array.from(thrown.details).filter((detail) => !isFailure(detail));
  if (stack !== undefined) error.stack = stack;
  return error;
}

function isFailure(detail: ConnectError["details"][number]): boolean {
  return ("desc" in detail ? detail.desc.typeName : detail.type) === FailureSchema.typeName;
}
