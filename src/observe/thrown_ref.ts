import { escapePeerText } from "../errors/mod.ts";
import type { ThrownRef } from "./events/call_events.ts";

/** The longest stack that is logged, in characters. */
const MAX_STACK = 4 * 1024;

/** What an event shows of a thrown value; reading it may itself throw. */
export function thrownRef(thrown: unknown): ThrownRef {
  return {
    name: escapePeerText(textOf(thrown, "name") ?? typeof thrown),
    message: escapePeerText(textOf(thrown, "message") ?? ""),
  };
}

/** The stack of a thrown value, for the log; its causes' are not part of it. */
export function stackOf(thrown: unknown): string | undefined {
  return textOf(thrown, "stack")?.slice(0, MAX_STACK);
}

function textOf(thrown: unknown, key: string): string | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  try {
    const value = (thrown as Record<string, unknown>)[key];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}
