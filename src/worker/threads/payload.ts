import type { EncodedPayload } from "../../routine/mod.ts";
import type { FromThread, ToThread } from "./messages.ts";

/** A message ready to be posted, and the buffers that change hands with it. */
export interface Parcel<Message> {
  readonly parcel: Message;
  readonly transfer: ArrayBuffer[];
}

/**
 * Makes a message ready for another thread. A payload's bytes are copied once and then change
 * hands: cloning a view would clone the whole buffer behind it.
 */
export function parcelled<Message extends ToThread | FromThread>(
  message: Message,
): Parcel<Message> {
  const inner = "message" in message && typeof message.message === "object"
    ? message.message
    : undefined;
  switch (inner?.kind) {
    case "begin":
      return wrapped(inner.args, (args) => ({ ...message, message: { ...inner, args } }));
    case "input":
    case "item":
      return wrapped(inner.item, (item) => ({ ...message, message: { ...inner, item } }));
    case "ended": {
      const { outcome } = inner;
      if (outcome.kind !== "result") break;
      return wrapped(
        outcome.result,
        (result) => ({ ...message, message: { ...inner, outcome: { ...outcome, result } } }),
      );
    }
  }
  return { parcel: message, transfer: [] };
}

function wrapped<Message>(
  payload: EncodedPayload,
  wrap: (payload: EncodedPayload) => Message,
): Parcel<Message> {
  if (payload.form === "json") return { parcel: wrap(payload), transfer: [] };
  const bytes = payload.bytes.slice();
  return { parcel: wrap({ form: "cbor", bytes }), transfer: [bytes.buffer] };
}
