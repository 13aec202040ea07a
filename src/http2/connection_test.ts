import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { openClientConnection } from "./client_connection.ts";
import type { ClientConnection, ServerConnection, ServerConnectionOptions } from "./connection.ts";
import { ErrorCode } from "./error_code.ts";
import type { HeaderList } from "./header_list.ts";
import { memoryChannelPair } from "./memory_channel.ts";
import { openServerConnection } from "./server_connection.ts";
import { CollectedStream, textBytes } from "./test_peer.ts";

const REQUEST: HeaderList = [
  ":method",
  "POST",
  ":scheme",
  "https",
  ":authority",
  "worker.test",
  ":path",
  "/echo",
  "content-type",
  "application/proto",
];

Deno.test("a client and a server exchange a request, a response and trailers", async () => {
  const { client, server } = connect({
    onRequest(stream, fields, endStream) {
      deepStrictEqual(fields, REQUEST);
      strictEqual(endStream, false);
      return {
        data(bytes, endStream) {
          if (!endStream) return;
          stream.sendHeaders([":status", "200"], false);
          stream.sendData(bytes, false);
          stream.sendTrailers(["grpc-status", "0"]);
          stream.release(bytes.length);
        },
        trailers() {},
        closed() {},
      };
    },
  });
  const answer = new CollectedStream();
  client.open(REQUEST, answer, { endStream: true, body: textBytes("hello") });
  deepStrictEqual(await answer.closed_, { how: "complete", code: ErrorCode.NO_ERROR });
  deepStrictEqual(answer.fields, [":status", "200"]);
  strictEqual(answer.text, "hello");
  deepStrictEqual(answer.trailerFields, ["grpc-status", "0"]);
  const ends = await Promise.all([client.shutdown(), server.closed]);
  deepStrictEqual(ends.map(({ how }) => how), ["orderly", "orderly"]);
});

function connect(
  options: ServerConnectionOptions,
): { client: ClientConnection; server: ServerConnection } {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, options);
  return { client: openClientConnection(near), server };
}
