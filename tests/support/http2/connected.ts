import { deepStrictEqual } from "node:assert/strict";
import { openClientConnection } from "../../../src/http2/connection/client_connection.ts";
import type {
  ClientConnection,
  ConnectionOptions,
  ServerConnection,
  ServerConnectionOptions,
} from "../../../src/http2/connection/connection.ts";
import type { HeaderList } from "../../../src/http2/header_list.ts";
import { memoryChannelPair } from "./watched_pair.ts";
import { openServerConnection } from "../../../src/http2/connection/server_connection.ts";
import type { Stream, StreamReceiver } from "../../../src/http2/streams/stream.ts";
import { CollectedStream, REQUEST, RESPONSE } from "./test_peer.ts";

export interface Pair {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
}

export function connect(
  onRequest: ServerConnectionOptions["onRequest"],
  serverOptions: ConnectionOptions = {},
  clientOptions: ConnectionOptions = {},
): Pair {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, { onRequest, ...serverOptions });
  return { client: openClientConnection(near, clientOptions), server };
}

export async function close({ client, server }: Pair): Promise<void> {
  const ends = await Promise.all([client.shutdown(), server.closed]);
  deepStrictEqual(ends.map(({ how }) => how), ["orderly", "orderly"]);
}

/** Answers with what it gets, chunk by chunk. */
export function echo(stream: Stream, _fields: HeaderList, endStream: boolean): StreamReceiver {
  stream.sendHeaders(RESPONSE, endStream);
  return {
    data(bytes, endStream) {
      stream.sendData(bytes, endStream);
      stream.release(bytes.length);
    },
    trailers: (fields) => stream.sendTrailers(fields),
    closed() {},
  };
}

export function request(
  client: ClientConnection,
  options: { readonly endStream: boolean; readonly body?: Uint8Array } = { endStream: true },
  fields: HeaderList = REQUEST,
): { stream: Stream; answer: CollectedStream } {
  const answer = new CollectedStream();
  const stream = client.open(fields, answer, options);
  answer.stream = stream;
  return { stream, answer };
}
