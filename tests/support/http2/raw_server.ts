import { openClientConnection } from "../../../src/http2/connection/client_connection.ts";
import type {
  ClientConnection,
  ConnectionOptions,
} from "../../../src/http2/connection/connection.ts";
import { FrameType } from "../../../src/http2/frame/frame_header.ts";
import type { HeaderList } from "../../../src/http2/header_list.ts";
import { memoryChannelPair } from "./watched_pair.ts";
import type { Stream } from "../../../src/http2/streams/stream.ts";
import {
  CollectedStream,
  frame,
  joinBytes,
  RawPeer,
  REQUEST,
  textBytes,
  uint32,
} from "./test_peer.ts";

export interface Setup {
  readonly peer: RawPeer;
  readonly client: ClientConnection;
}

/** A client, and a raw server on it. */
export function connect(
  options: ConnectionOptions = {},
  settings: readonly (readonly [number, number])[] = [],
): Setup {
  const [near, far] = memoryChannelPair();
  const client = openClientConnection(near, options);
  return { client, peer: RawPeer.server(far, settings) };
}

export function request(
  client: ClientConnection,
  options: { readonly endStream: boolean; readonly body?: Uint8Array } = { endStream: true },
  fields: HeaderList = REQUEST,
): { stream: Stream; answer: CollectedStream } {
  const answer = new CollectedStream();
  return { stream: client.open(fields, answer, options), answer };
}

export async function finished({ peer, client }: Setup): Promise<void> {
  peer.destroy();
  await client.closed;
}

export function goAway(lastStreamId: number, code: number, debugData = ""): Uint8Array {
  const payload = joinBytes([uint32(lastStreamId), uint32(code), textBytes(debugData)]);
  return frame(FrameType.GOAWAY, 0, 0, payload);
}
