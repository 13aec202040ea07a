import { type ContextKey, createContextKey } from "@connectrpc/connect";

/**
 * The key under which an implementation finds what its call was admitted with:
 * `context.values.get(callContext)`.
 */
export const callContext: ContextKey<unknown> = createContextKey<unknown>(undefined, {
  description: "what the call was admitted with",
});
