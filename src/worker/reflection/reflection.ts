import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { setImmediate } from "node:timers";
import { Code } from "@connectrpc/connect";
import { Health, reflectionV1, reflectionV1Alpha, WorkerService } from "../../gen/mod.ts";
import type { RpcRouter } from "../../rpc/mod.ts";
import { isReflection, nameOf } from "../admission/authorization.ts";
import type { AdmittedCall } from "../admission/admitted_call.ts";
import { admittedOf } from "../admission/arrival.ts";
import { VisibleFiles } from "./visible_files.ts";

type Request = reflectionV1.ServerReflectionRequest | reflectionV1Alpha.ServerReflectionRequest;

/**
 * Serves gRPC server reflection, v1 and v1alpha, so that tools can browse the worker. A caller sees
 * the services and methods that it may call, by the policy of that moment, and no others.
 */
export function serveReflection(router: RpcRouter): void {
  router.service(reflectionV1.ServerReflection, {
    serverReflectionInfo: (requests, context) =>
      answers(requests, admittedOf(context), router) as never,
  });
  router.service(reflectionV1Alpha.ServerReflection, {
    serverReflectionInfo: (requests, context) =>
      answers(requests, admittedOf(context), router) as never,
  });
}

/**
 * Answers the questions of one stream. A question is a few bytes and may cost a walk through every file: each has a
 * turn of the event loop, whatever number arrives at once, and what is visible is gathered anew only where it changed.
 */
export async function* answers(
  requests: AsyncIterable<Request>,
  admitted: Pick<AdmittedCall, "authorization" | "session" | "unproven">,
  router: Pick<RpcRouter, "handlers">,
): AsyncGenerator<Answer, void, undefined> {
  const sent = new Set<string>();
  let visible = new VisibleFiles(new Map());
  for await (const request of requests) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    admitted.session?.insist();
    const methods = await allowedMethods(router, admitted);
    if (!visible.showsJust(methods)) visible = new VisibleFiles(methods);
    const { host, messageRequest } = request;
    yield {
      validHost: host,
      originalRequest: { host, messageRequest },
      messageResponse: answer(messageRequest, visible, sent),
    };
  }
}

/** The methods that a caller may call, by service; those that serve every proven caller are among them. */
async function allowedMethods(
  router: Pick<RpcRouter, "handlers">,
  { authorization, unproven }: Pick<AdmittedCall, "authorization" | "unproven">,
): Promise<ReadonlyMap<DescService, ReadonlySet<string>>> {
  const allowed = new Map<DescService, Set<string>>();
  if (unproven === true) return allowed;
  for (const { method } of router.handlers) {
    const { parent } = method;
    if (!isForAll(method) && !(await authorization?.allows(nameOf(method)) ?? true)) continue;
    const methods = allowed.get(parent);
    if (methods === undefined) allowed.set(parent, new Set([method.name]));
    else methods.add(method.name);
  }
  return allowed;
}

/** Routines are allowed by their own names, which are no methods. */
function isForAll(method: DescMethod): boolean {
  const { parent } = method;
  return parent === WorkerService || parent === Health || isReflection(method);
}

/** One answer, of either version. */
export interface Answer {
  readonly validHost: string;
  readonly originalRequest: Pick<Request, "host" | "messageRequest">;
  readonly messageResponse: ReturnType<typeof answer>;
}

function answer(
  question: Request["messageRequest"],
  visible: VisibleFiles,
  sent: Set<string>,
) {
  switch (question.case) {
    case "listServices": {
      const service = visible.services.map((name) => ({ name }));
      return { case: "listServicesResponse", value: { service } } as const;
    }
    case "fileByFilename":
      return files(visible.named(question.value), visible, sent);
    case "fileContainingSymbol":
      return files(visible.declaring(question.value), visible, sent);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      return files(visible.extensionsOf(containingType).get(extensionNumber), visible, sent);
    }
    case "allExtensionNumbersOfType": {
      if (!visible.hasMessage(question.value)) return NOT_FOUND;
      const extensionNumber = [...visible.extensionsOf(question.value).keys()];
      const value = { baseTypeName: question.value, extensionNumber };
      return { case: "allExtensionNumbersResponse", value } as const;
    }
    default:
      return UNKNOWN_QUESTION;
  }
}

/** A file with what it imports, as far as this stream has not sent it; itself always. */
function files(
  file: Parameters<VisibleFiles["alone"]>[0] | undefined,
  visible: VisibleFiles,
  sent: Set<string>,
) {
  if (file === undefined) return NOT_FOUND;
  const found = visible.withImports(file, sent);
  const fileDescriptorProto = found.length > 0 ? found : visible.alone(file);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } } as const;
}

const NOT_FOUND = {
  case: "errorResponse",
  value: { errorCode: Code.NotFound, errorMessage: "there is no such file, symbol or extension" },
} as const;

const UNKNOWN_QUESTION = {
  case: "errorResponse",
  value: { errorCode: Code.Unimplemented, errorMessage: "the question is unknown here" },
} as const;
