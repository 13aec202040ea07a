import { type ContextKey, createContextKey, type HandlerContext } from "@connectrpc/connect";

/** An error to answer a call with instead of reading its body, as connect-es answers in the caller's protocol. */
export interface Refusal {
  readonly error: unknown;
  /** Response metadata that was set before; see `HandlerContext`. */
  readonly responseHeader?: Headers | undefined;
  /** See `HandlerContext`. */
  readonly responseTrailer?: Headers | undefined;
}

/** Where `throwRefusal` looks for one. */
export const refusalKey: ContextKey<Refusal | undefined> = createContextKey<Refusal | undefined>(
  undefined,
  { description: "what the call is refused with" },
);

/** The request gate of every method: throws the refusal where the call's values hold one. */
export function throwRefusal(context: HandlerContext): void {
  const refusal = context.values.get(refusalKey);
  if (refusal === undefined) return;
  copy(refusal.responseHeader, context.responseHeader);
  copy(refusal.responseTrailer, context.responseTrailer);
  throw refusal.error;
}

function copy(from: Headers | undefined, to: Headers): void {
  if (from === undefined) return;
  for (const [name, value] of from) {
    if (name === "set-cookie") to.append(name, value);
    else to.set(name, value);
  }
}
