import type { ByteChannel } from "./byte_channel.ts";
import type { ClientConnection, ConnectionOptions } from "./connection.ts";

/** Starts HTTP/2 as client on a channel: the preface and SETTINGS go out at once, requests may follow without waiting. */
export function openClientConnection(
  channel: ByteChannel,
  _options: ConnectionOptions = {},
): ClientConnection {
  channel.destroy();
  throw new Error("openClientConnection is not there yet");
}
