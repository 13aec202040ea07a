import type { EncodedPayload } from "../payload/payload.ts";
import type { CallEnvelope } from "./call_envelope.ts";

/** One message to the caller of a stream: `selvage.v1.Item`. */
export type ItemMessage =
  /** One item of the routine's stream. */
  | { readonly kind: "value"; readonly payload: EncodedPayload }
  /** That many more items may be sent to the routine. */
  | { readonly kind: "credit"; readonly items: number }
  /** Something that only a newer peer knows. */
  | { readonly kind: "unknown" };

/** One message from the caller of a stream: `selvage.v1.DuplexRequest`. */
export type DuplexMessage =
  /** The call itself: the first message and only that. */
  | { readonly kind: "call"; readonly call: CallEnvelope }
  /** One item for the routine. */
  | { readonly kind: "value"; readonly payload: EncodedPayload }
  /** That many more items may be sent to the caller. */
  | { readonly kind: "credit"; readonly items: number }
  /** There are no more items for the routine; only credit follows. */
  | { readonly kind: "end" }
  /** Something that only a newer peer knows. */
  | { readonly kind: "unknown" };
