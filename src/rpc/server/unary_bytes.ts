import type { DescMethodUnary } from "@bufbuild/protobuf";
import type { BytesCall } from "./bytes_call.ts";

/** A unary call in binary form, as a {@linkcode UnaryBytesHandler} sees it. */
export type UnaryBytesCall<Peer, Context> = BytesCall<DescMethodUnary, Peer, Context>;

/**
 * Answers a unary call with the bytes of its response message, from the bytes of its request message.
 * What it throws is answered as connect-es answers what an implementation throws.
 */
export type UnaryBytesHandler<Peer, Context> = (
  request: Uint8Array,
  call: UnaryBytesCall<Peer, Context>,
) => Uint8Array | Promise<Uint8Array>;
