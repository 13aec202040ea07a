import {
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type MethodImpl,
  type ServiceImpl,
} from "@connectrpc/connect";
import type { DescMethod } from "@bufbuild/protobuf";
import { FailureSchema } from "../gen/mod.ts";

/**
 * The router for services that are not ours. A failure of ours in what they throw was told to *them*,
 * by a worker they had called; passed on it would tell our caller that this very call was refused
 * before it began, and may be made again elsewhere. So it stays here, and the rest travels.
 *
 * @param router Where the services are served.
 */
export function withoutFailures(router: ConnectRouter): ConnectRouter {
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
        served[method.localName] = guarded(method, invoke.bind(implementation));
      }
      router.service(service, served as Partial<ServiceImpl<typeof service>>, options);
      return theirs;
    },
    rpc(method, implementation, options) {
      const served = guarded(method, implementation as Invoke);
      router.rpc(method, served as MethodImpl<typeof method>, options);
      return theirs;
    },
  };
  return theirs;
}

type Invoke = (request: unknown, context: HandlerContext) => unknown;

function guarded({ methodKind }: DescMethod, invoke: Invoke): Invoke {
  return methodKind === "unary" || methodKind === "client_streaming"
    ? guardedAnswer(invoke)
    : guardedItems(invoke as (...args: Parameters<Invoke>) => AsyncIterable<unknown>);
}

function guardedAnswer(invoke: Invoke): Invoke {
  return (request, context) => {
    try {
      const answer = invoke(request, context);
      return answer instanceof Promise ? answer.catch(rethrow) : answer;
    } catch (error) {
      rethrow(error);
    }
  };
}

function guardedItems(
  invoke: (...args: Parameters<Invoke>) => AsyncIterable<unknown>,
): (...args: Parameters<Invoke>) => AsyncIterable<unknown> {
  return async function* (request, context) {
    try {
      yield* invoke(request, context);
    } catch (error) {
      rethrow(error);
    }
  };
}

function rethrow(error: unknown): never {
  throw error instanceof ConnectError && error.details.some(isFailure) ? stripped(error) : error;
}

function stripped({ rawMessage, code, metadata, details, cause }: ConnectError): ConnectError {
  const error = new ConnectError(rawMessage, code, metadata, undefined, cause);
  error.details = details.filter((detail) => !isFailure(detail));
  return error;
}

function isFailure(detail: ConnectError["details"][number]): boolean {
  return ("desc" in detail ? detail.desc.typeName : detail.type) === FailureSchema.typeName;
}
