import type { ConnectError } from "@connectrpc/connect";
import { toConnectError } from "../../routine/mod.ts";

const denials = new WeakSet<object>();

/** What the call of a service fails with that its caller may not make any more: the caller reads the code and the rule. */
export function denialOf(error: unknown): ConnectError {
  const denial = toConnectError(error);
  denials.add(denial);
  return denial;
}

/** Whether something that was thrown within a call is the denial of it, and none that other workers reported. */
export function isDenial(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && denials.has(thrown);
}
