import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { post } from "../../tests/support/raw_call.ts";
import {
  ErrorCode,
  type HeaderList,
  memoryChannelPair,
  openClientConnection,
  openServerConnection,
  type Stream,
  type StreamReceiver,
} from "../http2/mod.ts";
import { createRequestHandler, createRpcRouter, createTransport } from "./mod.ts";
import { processBudget } from "./wire/gather_budget.ts";

/** More than is taken, and little enough to be given room for at once where most of the budget is free. */
const ANNOUNCED: HeaderList = ["content-length", String(15 * 1024 * 1024)];
const MOST_BYTES = 1024 * 1024;
const BEGUN = new Uint8Array(8192);

Deno.test("a client takes no more room than its limit, whatever length a response announces", async () => {
  const [left, right] = memoryChannelPair();
  const answered = Promise.withResolvers<Stream>();
  const server = openServerConnection(right, {
    onRequest: (stream) => {
      stream.sendHeaders(
        [":status", "200", "content-type", "application/proto", ...ANNOUNCED],
        false,
      );
      stream.sendData(BEGUN, false);
      answered.resolve(stream);
      return { data: () => {}, trailers: () => {}, closed: () => {} };
    },
  });
  const client = openClientConnection(left);
  const transport = createTransport({ connection: client, limits: { messageBytes: MOST_BYTES } });
  const call = createClient(EchoService, transport).echo({}).catch(() => {});
  const stream = await answered.promise;
  await client.ping();
  const spent = processBudget.spentBytes;
  assert(spent > 0 && spent <= MOST_BYTES, String(spent));
  stream.reset(ErrorCode.INTERNAL_ERROR);
  await call;
  assert.equal(processBudget.spentBytes, 0);
  client.abort(ErrorCode.NO_ERROR);
  await Promise.all([client.closed, server.closed]);
});

Deno.test("a worker takes no more room than its limit, whatever length a request announces", () => {
  const router = createRpcRouter({ limits: { messageBytes: MOST_BYTES } });
  router.service(EchoService, { echo: () => ({}) });
  const handler = createRequestHandler<string, undefined>({
    router,
    admit: () => ({ admitted: true, context: undefined, release: () => {} }),
  });
  const stream: Stream = {
    id: 1,
    sendHeaders: () => {},
    sendData: () => true,
    flush: () => {},
    sendTrailers: () => {},
    takeWhole: () => {},
    release: () => {},
    reset: () => {},
  };
  const section = post("/selvage.test.v1.EchoService/Echo", "application/proto", ...ANNOUNCED);
  const receiver: StreamReceiver = handler("a peer")(stream, section, false);
  receiver.lent!(BEGUN, false);
  const spent = processBudget.spentBytes;
  assert(spent > 0 && spent <= MOST_BYTES, String(spent));
  receiver.closed({ how: "reset-by-peer", code: ErrorCode.CANCEL });
  assert.equal(processBudget.spentBytes, 0);
});
