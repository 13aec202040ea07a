import assert from "node:assert/strict";
import {
  type ConnectionOptions,
  ErrorCode,
  memoryChannelPair,
  openClientConnection,
  openServerConnection,
  type StreamEnd,
  type StreamReceiver,
} from "./mod.ts";

const REQUEST = [":method", "POST", ":scheme", "https", ":authority", "a", ":path", "/"];

/** A request with a body to a server whose receiver is given; how it ends, and the faults reported. */
async function endOf(
  receiver: Partial<StreamReceiver>,
  onFault: ConnectionOptions["onFault"],
): Promise<StreamEnd> {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    onRequest: () => ({ data() {}, trailers() {}, closed() {}, ...receiver }),
    ...(onFault === undefined ? {} : { onFault }),
  });
  const client = openClientConnection(near);
  const { promise, resolve } = Promise.withResolvers<StreamEnd>();
  client.open(REQUEST, { headers() {}, data() {}, trailers() {}, closed: resolve }, {
    endStream: true,
    body: new Uint8Array(10),
  });
  const end = await promise;
  client.abort(ErrorCode.NO_ERROR);
  await Promise.all([client.closed, server.closed]);
  return end;
}

Deno.test("a receiver that throws resets its stream, and its error is reported", async () => {
  const faults: Error[] = [];
  const thrown = new RangeError("a bug");
  const receiver = {
    data() {
      throw thrown;
    },
  };
  const end = await endOf(receiver, (error) => faults.push(error));
  assert.deepEqual([end.how, end.code], ["reset-by-peer", ErrorCode.INTERNAL_ERROR]);
  assert.deepEqual(faults, [thrown]);
  const unheard = await endOf(receiver, undefined);
  assert.equal(unheard.code, ErrorCode.INTERNAL_ERROR);
});

Deno.test("a receiver that throws when its stream has ended ends the connection, and is reported", async () => {
  const faults: Error[] = [];
  const thrown = new RangeError("a bug at the end");
  const end = await endOf({
    data() {
      throw new TypeError("first");
    },
    closed() {
      throw thrown;
    },
  }, (error) => faults.push(error));
  assert.notEqual(end.how, "complete");
  assert.deepEqual(faults.map(({ message }) => message), ["first", "a bug at the end"]);
});
