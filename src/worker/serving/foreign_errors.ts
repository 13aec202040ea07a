import { ConnectError } from "@connectrpc/connect";
import { FailureSchema } from "../../gen/mod.ts";
import { isDenial } from "../admission/denial.ts";

/**
 * What a service throws, without a failure of ours in it. Any other error than Connect's is answered by its class
 * alone; one that does not let itself be read is such. `undefined` becomes an error: to what answers the call it is
 * that there is none.
 */
export function withoutFailure(thrown: unknown): unknown {
  try {
    if (thrown === undefined) return new Error("undefined was thrown");
    if (isDenial(thrown)) return thrown;
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
