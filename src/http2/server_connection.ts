import type { ByteChannel } from "./byte_channel.ts";
import type { ServerConnection, ServerConnectionOptions } from "./connection.ts";

/** Starts HTTP/2 as server on a channel. */
export function openServerConnection(
  channel: ByteChannel,
  _options: ServerConnectionOptions,
): ServerConnection {
  channel.destroy();
  throw new Error("openServerConnection is not there yet");
}
