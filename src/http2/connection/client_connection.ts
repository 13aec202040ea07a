import type { ByteChannel } from "../byte_channel.ts";
import type {
  ClientConnection,
  ConnectionEnd,
  ConnectionOptions,
  ConnectionState,
} from "./connection.ts";
import type { ErrorCode } from "../error_code.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { Setting } from "../frame/settings.ts";
import type { HeaderList } from "../header_list.ts";
import type { Stream, StreamReceiver } from "../streams/stream.ts";
import { ClientRole } from "./client_role.ts";
import { Http2Connection } from "./http2_connection.ts";
import type { Greeting } from "./role.ts";

/** Starts HTTP/2 as client on a channel: the preface and SETTINGS go out at once, requests may follow without waiting. */
export function openClientConnection(
  channel: ByteChannel,
  options: ConnectionOptions = {},
): ClientConnection {
  return new Http2Client(channel, options);
}

const GREETING: Greeting = {
  preface: CLIENT_PREFACE,
  peerPreface: new Uint8Array(0),
  settings: [[Setting.ENABLE_PUSH, 0]],
  peerMayEnablePush: false,
};

class Http2Client implements ClientConnection {
  readonly #connection: Http2Connection<ClientRole>;

  constructor(channel: ByteChannel, options: ConnectionOptions) {
    this.#connection = new Http2Connection(
      channel,
      options,
      GREETING,
      (parts) => new ClientRole(parts),
    );
  }

  get state(): ConnectionState {
    return this.#connection.lifecycle.state;
  }

  get streamCount(): number {
    return this.#connection.role.streamCount;
  }

  get capacity(): number {
    return this.#connection.role.capacity;
  }

  get peerMaxHeaderListBytes(): number {
    return this.#connection.role.peerMaxHeaderListBytes;
  }

  get closed(): Promise<ConnectionEnd> {
    return this.#connection.lifecycle.closed;
  }

  open(
    fields: HeaderList,
    receiver: StreamReceiver,
    options: { readonly endStream: boolean; readonly body?: Uint8Array },
  ): Stream {
    return this.#connection.role.open(fields, receiver, options);
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
