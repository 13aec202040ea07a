import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type {
  ConnectionOptions,
  ServerConnection,
  ServerConnectionOptions,
} from "../../../src/http2/connection/connection.ts";
import { ErrorCode } from "../../../src/http2/error_code.ts";
import { memoryChannelPair } from "./watched_pair.ts";
import { openServerConnection } from "../../../src/http2/connection/server_connection.ts";
import type { Stream } from "../../../src/http2/streams/stream.ts";
import { CollectedStream, ManualTime, RawPeer, REQUEST } from "./test_peer.ts";

export interface Attack {
  readonly peer: RawPeer;
  readonly server: ServerConnection;
  readonly requests: CollectedStream[];
  readonly streams: Stream[];
}

/** A server that takes every request and answers none, and a raw client on it. */
export function attack(
  options: ConnectionOptions = {},
  settings: readonly (readonly [number, number])[] = [],
  onRequest?: ServerConnectionOptions["onRequest"],
): Attack {
  const [near, far] = memoryChannelPair();
  const requests: CollectedStream[] = [];
  const streams: Stream[] = [];
  const server = openServerConnection(far, {
    ...options,
    onRequest: onRequest ?? ((stream) => {
      const request = new CollectedStream();
      requests.push(request);
      streams.push(stream);
      return request;
    }),
  });
  return { peer: RawPeer.client(near, settings), server, requests, streams };
}

/** Frozen time: budgets earn nothing back. */
export function frozen(limits: ConnectionOptions["limits"] = {}): ConnectionOptions {
  const time = new ManualTime();
  return { clock: time.clock, schedule: time.schedule, limits };
}

export async function endsWith(
  code: number,
  frames: (peer: RawPeer) => void,
  options?: ConnectionOptions,
): Promise<void> {
  const { peer, server } = attack(options);
  frames(peer);
  strictEqual(await peer.goAwayCode(), code);
  peer.end();
  const end = await server.closed;
  deepStrictEqual({ how: end.how, code: end.code }, { how: "violated", code });
}

export async function resetsWith(
  code: number,
  frames: (peer: RawPeer) => void,
  options?: ConnectionOptions,
): Promise<void> {
  const { peer, server } = attack(options);
  frames(peer);
  strictEqual(await peer.resetCode(1), code);
  // The connection goes on.
  peer.headers(3, REQUEST, true);
  await peer.synced();
  strictEqual(server.streamCount, 1);
  peer.destroy();
  await server.closed;
}

export const CALM = ErrorCode.ENHANCE_YOUR_CALM;
export const PROTOCOL = ErrorCode.PROTOCOL_ERROR;
