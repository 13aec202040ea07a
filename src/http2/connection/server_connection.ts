import type { ByteChannel } from "../byte_channel.ts";
import type {
  ConnectionEnd,
  ConnectionState,
  ServerConnection,
  ServerConnectionOptions,
} from "./connection.ts";
import type { ErrorCode } from "../error_code.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { Setting } from "../frame/settings.ts";
import { resolveHttp2Limits } from "../limits.ts";
import { Http2Connection } from "./http2_connection.ts";
import { ServerRole } from "./server_role.ts";

/** Starts HTTP/2 as server on a channel. */
export function openServerConnection(
  channel: ByteChannel,
  options: ServerConnectionOptions,
): ServerConnection {
  return new Http2Server(channel, options);
}

class Http2Server implements ServerConnection {
  readonly #connection: Http2Connection<ServerRole>;

  constructor(channel: ByteChannel, options: ServerConnectionOptions) {
    const { maxConcurrentStreams } = resolveHttp2Limits(options.limits);
    this.#connection = new Http2Connection(channel, options, {
      preface: new Uint8Array(0),
      peerPreface: CLIENT_PREFACE,
      settings: [[Setting.MAX_CONCURRENT_STREAMS, maxConcurrentStreams]],
      peerMayEnablePush: true,
    }, (parts) => new ServerRole(parts, options.onRequest));
  }

  get state(): ConnectionState {
    return this.#connection.lifecycle.state;
  }

  get streamCount(): number {
    return this.#connection.role.streamCount;
  }

  get closed(): Promise<ConnectionEnd> {
    return this.#connection.lifecycle.closed;
  }

  ping(): Promise<number> {
    return this.#connection.ping();
  }

  shutdown(): Promise<ConnectionEnd> {
    return this.#connection.lifecycle.shutdown();
  }

  abort(code: ErrorCode, debugData?: Uint8Array): void {
    this.#connection.lifecycle.abort(code, debugData);
  }
}
