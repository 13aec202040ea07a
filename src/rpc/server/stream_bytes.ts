import type { DescMethodBiDiStreaming } from "@bufbuild/protobuf";
import type { BytesCall } from "./bytes_call.ts";

/** A call with streams both ways in binary form, as a {@linkcode StreamBytesHandler} sees it. */
export type StreamBytesCall<Peer, Context> = BytesCall<DescMethodBiDiStreaming, Peer, Context>;

/**
 * Answers a call with the bytes of its response messages, one each time it is asked for one, from the
 * bytes of its request messages. What it throws is answered as connect-es answers what an
 * implementation throws. Once the caller is gone or the deadline has passed, `return()` is called at
 * once, also while a message is being waited for.
 */
export type StreamBytesHandler<Peer, Context> = (
  requests: AsyncIterableIterator<Uint8Array>,
  call: StreamBytesCall<Peer, Context>,
) => AsyncIterator<Uint8Array, unknown>;
