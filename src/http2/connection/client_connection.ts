import type { ByteChannel } from "../byte_channel.ts";
import type { ClientConnection, ConnectionOptions } from "./connection.ts";
import { CLIENT_PREFACE } from "../frame/preface.ts";
import { Setting } from "../frame/settings.ts";
import type { HeaderList } from "../header_list.ts";
import type { Stream, StreamReceiver } from "../streams/stream.ts";
import { ClientRole } from "./client_role.ts";
import { Http2Connection } from "./http2_connection.ts";
import type { Greeting } from "./role.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** Starts HTTP/2 as client on a channel: the preface and SETTINGS go out at once, requests may follow without waiting. */
export function openClientConnection(
  channel: ByteChannel,
  options: ConnectionOptions = {},
): ClientConnection {
  return new Http2Client(channel, options, GREETING, (parts) => new ClientRole(parts));
}

const GREETING: Greeting = {
  preface: CLIENT_PREFACE,
  peerPreface: NO_BYTES,
  settings: [[Setting.ENABLE_PUSH, 0]],
  peerMayEnablePush: false,
  sharedWindowBytes: 352 * 1024,
};

class Http2Client extends Http2Connection<ClientRole> implements ClientConnection {
  get capacity(): number {
    return this.role.capacity;
  }

  get peerMaxHeaderListBytes(): number {
    return this.role.peerMaxHeaderListBytes;
  }

  open(
    fields: HeaderList,
    receiver: StreamReceiver,
    options: { readonly endStream: boolean; readonly body?: Uint8Array },
  ): Stream {
    return this.role.open(fields, receiver, options);
  }
}
