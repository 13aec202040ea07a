import type { ByteChannel } from "../byte_channel.ts";
import type { ServerConnection, ServerConnectionOptions } from "./connection.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { Setting } from "../frame/settings.ts";
import { resolveHttp2Limits } from "../limits.ts";
import { Http2Connection } from "./http2_connection.ts";
import { ServerRole } from "./server_role.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** Starts HTTP/2 as server on a channel. */
export function openServerConnection(
  channel: ByteChannel,
  options: ServerConnectionOptions,
): ServerConnection {
  const { maxConcurrentStreams } = resolveHttp2Limits(options.limits);
  return new Http2Connection(channel, options, {
    preface: NO_BYTES,
    peerPreface: CLIENT_PREFACE,
    settings: [[Setting.MAX_CONCURRENT_STREAMS, maxConcurrentStreams]],
    peerMayEnablePush: true,
    sharedWindowBytes: 576 * 1024,
  }, (parts) => new ServerRole(parts, options.onRequest));
}
