import { create } from "@bufbuild/protobuf";
import {
  type CallRequest,
  type DuplexRequest,
  type Item,
  ItemSchema,
  type Payload,
  PayloadSchema,
} from "../../gen/mod.ts";
import type { EncodedPayload } from "../payload/payload.ts";
import { withAmbient } from "./ambient.ts";
import { type CallEnvelope, callIdOf, NO_ARGUMENTS, withTag } from "./call_envelope.ts";
import type { DuplexMessage, ItemMessage } from "./stream_envelope.ts";

/** Makes a generated message of a payload. */
export function payloadMessage(payload: EncodedPayload): Payload {
  return create(PayloadSchema, {
    encoding: payload.form === "cbor"
      ? { case: "cbor", value: payload.bytes }
      : { case: "json", value: payload.text },
  });
}

/** Reads a payload from a generated message; nothing where there is none. */
export function payloadOf(message: Payload | undefined): EncodedPayload | undefined {
  switch (message?.encoding.case) {
    case "cbor":
      return { form: "cbor", bytes: message.encoding.value };
    case "json":
      return { form: "json", text: message.encoding.value };
    default:
      return undefined;
  }
}

/**
 * Reads a call from a generated message.
 *
 * @throws {InvalidPayload} If an id, a tag or their number is too large.
 */
export function callOf(message: CallRequest): CallEnvelope {
  return {
    routine: message.routine,
    arguments: payloadOf(message.arguments) ?? NO_ARGUMENTS,
    callId: callIdOf(message.callId),
    parentId: callIdOf(message.parentId),
    ahead: message.ahead,
    tags: message.tags.reduce(withTag, []),
    ...(message.ambient.length === 0 ? {} : {
      ambient: withAmbient(undefined, message.ambient.map(({ name, value }) => [name, value])),
    }),
  };
}

/** Makes a generated message to the caller of a stream. */
export function itemMessage(message: ItemMessage): Item {
  switch (message.kind) {
    case "value":
      return create(ItemSchema, {
        message: { case: "value", value: payloadMessage(message.payload) },
      });
    case "credit":
      return create(ItemSchema, { message: { case: "credit", value: message.items } });
    case "unknown":
      return create(ItemSchema);
  }
}

/**
 * Reads a generated message from the caller of a stream.
 *
 * @throws {InvalidPayload} If its call is beyond the limits.
 */
export function duplexMessageOf({ message }: DuplexRequest): DuplexMessage {
  if (message.case === "call") return { kind: "call", call: callOf(message.value) };
  if (message.case === "credit") return { kind: "credit", items: message.value };
  if (message.case === "end") return { kind: "end" };
  const payload = message.case === "value" ? payloadOf(message.value) : undefined;
  return payload === undefined ? { kind: "unknown" } : { kind: "value", payload };
}
