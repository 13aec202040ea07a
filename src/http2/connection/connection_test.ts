import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { openClientConnection } from "./client_connection.ts";
import type { ConnectionOptions } from "./connection.ts";
import { ErrorCode } from "../error_code.ts";
import type { HeaderList } from "../header_list.ts";
import { memoryChannelPair } from "../../../tests/support/http2/watched_pair.ts";
import { openServerConnection } from "./server_connection.ts";
import type { Stream } from "../streams/stream.ts";
import {
  CollectedStream,
  REQUEST,
  RESPONSE,
  settle,
  textBytes,
} from "../../../tests/support/http2/test_peer.ts";
import { close, connect, echo, request } from "../../../tests/support/http2/connected.ts";

Deno.test("a client and a server exchange a request, a response and trailers", async () => {
  const pair = connect((stream, fields, endStream) => {
    deepStrictEqual(fields, REQUEST);
    strictEqual(endStream, false);
    return {
      data(bytes) {
        stream.sendHeaders(RESPONSE, false);
        stream.sendData(bytes, false);
        stream.sendTrailers(["grpc-status", "0"]);
        stream.release(bytes.length);
      },
      trailers() {},
      closed() {},
    };
  });
  const { answer } = request(pair.client, { endStream: true, body: textBytes("hello") });
  deepStrictEqual(await answer.ended, { how: "complete", code: ErrorCode.NO_ERROR });
  deepStrictEqual(answer.fields, RESPONSE);
  strictEqual(answer.text, "hello");
  deepStrictEqual(answer.trailerFields, ["grpc-status", "0"]);
  await close(pair);
});

Deno.test("a request's trailers arrive after its body", async () => {
  const pair = connect(echo);
  const { stream, answer } = request(pair.client, { endStream: false, body: textBytes("a") });
  stream.sendData(textBytes("b"), false);
  stream.sendTrailers(["x-checksum", "1"]);
  strictEqual((await answer.ended).how, "complete");
  strictEqual(answer.text, "ab");
  deepStrictEqual(answer.trailerFields, ["x-checksum", "1"]);
  await close(pair);
});

Deno.test("informational responses are sent and not delivered", async () => {
  const pair = connect((stream) => {
    stream.sendHeaders([":status", "100"], false);
    stream.sendHeaders([":status", "103", "link", "</style.css>"], false);
    stream.sendHeaders(RESPONSE, true);
    return new CollectedStream();
  });
  const { answer } = request(pair.client);
  strictEqual((await answer.ended).how, "complete");
  deepStrictEqual(answer.fields, RESPONSE);
  await close(pair);
});

Deno.test("a thousand streams at once each get their own bytes", async () => {
  const pair = connect(echo);
  const answers = Array.from({ length: 1000 }, (_, at) =>
    request(pair.client, {
      endStream: true,
      body: textBytes(`body ${at} `.repeat(at % 50)),
    }).answer);
  for (const [at, answer] of answers.entries()) {
    strictEqual((await answer.ended).how, "complete");
    strictEqual(answer.text, `body ${at} `.repeat(at % 50));
  }
  await close(pair);
});

Deno.test("the client waits for its turn where the server's concurrency limit is reached", async () => {
  const waiting: Stream[] = [];
  let most = 0;
  const pair = connect((stream) => {
    waiting.push(stream);
    most = Math.max(most, pair.server.streamCount);
    return new CollectedStream();
  }, { limits: { maxConcurrentStreams: 3 } });
  await pair.client.ping();
  strictEqual(pair.client.capacity, 3);
  const answers = Array.from({ length: 10 }, () => request(pair.client).answer);
  strictEqual(pair.client.capacity, 0);
  strictEqual(pair.client.streamCount, 10);
  for (let answered = 0; answered < 10; answered++) {
    await settle();
    waiting.shift()!.sendHeaders(RESPONSE, true);
  }
  for (const answer of answers) strictEqual((await answer.ended).how, "complete");
  strictEqual(most, 3);
  await close(pair);
});

Deno.test("reset takes a stream back that was never sent", async () => {
  let requests = 0;
  const pair = connect((stream) => {
    requests++;
    stream.sendHeaders(RESPONSE, true);
    return new CollectedStream();
  });
  const { stream, answer } = request(pair.client);
  stream.reset(ErrorCode.CANCEL);
  deepStrictEqual(await answer.ended, { how: "not-processed", code: ErrorCode.CANCEL });
  strictEqual((await request(pair.client).answer.ended).how, "complete");
  strictEqual(requests, 1);
  await close(pair);
});

Deno.test("reset ends the stream on both sides and leaves the others alone", async () => {
  const received = new CollectedStream();
  const pair = connect((stream, fields) => {
    if (fields.includes("/stuck")) return received;
    stream.sendHeaders(RESPONSE, true);
    return new CollectedStream();
  });
  const stuckFields = REQUEST.map((text) => text === "/echo" ? "/stuck" : text);
  const { stream, answer } = request(pair.client, { endStream: true }, stuckFields);
  await settle();
  stream.reset(ErrorCode.CANCEL);
  deepStrictEqual(await answer.ended, { how: "reset-by-us", code: ErrorCode.CANCEL });
  deepStrictEqual(await received.ended, { how: "reset-by-peer", code: ErrorCode.CANCEL });
  strictEqual((await request(pair.client).answer.ended).how, "complete");
  await close(pair);
});

Deno.test("a refusal in onRequest informs the client that nothing began", async () => {
  const refused = new CollectedStream();
  const pair = connect((stream) => {
    stream.reset(ErrorCode.REFUSED_STREAM);
    return refused;
  });
  const { answer } = request(pair.client, { endStream: false });
  strictEqual((await answer.ended).how, "not-processed");
  strictEqual((await refused.ended).how, "reset-by-us");
  await close(pair);
});

Deno.test("an early answer is kept, and the rest of the request stopped", async () => {
  const early = new CollectedStream();
  const pair = connect((stream) => {
    stream.sendHeaders([":status", "413"], false);
    stream.sendData(textBytes("too much"), true);
    return early;
  });
  const { stream, answer } = request(pair.client, { endStream: false, body: textBytes("x") });
  deepStrictEqual(await answer.ended, { how: "complete", code: ErrorCode.NO_ERROR });
  strictEqual((await early.ended).how, "complete");
  strictEqual(answer.text, "too much");
  strictEqual(stream.sendData(textBytes("more"), true), true);
  await close(pair);
});

Deno.test("a receiver that throws has its stream reset and no other", async () => {
  const pair = connect((stream, fields) => {
    if (fields.includes("/throw")) throw new Error("cannot");
    stream.sendHeaders(RESPONSE, true);
    return new CollectedStream();
  });
  const fields = REQUEST.map((text) => text === "/echo" ? "/throw" : text);
  const end = await request(pair.client, { endStream: true }, fields).answer.ended;
  deepStrictEqual(end, { how: "reset-by-peer", code: ErrorCode.INTERNAL_ERROR });
  strictEqual((await request(pair.client).answer.ended).how, "complete");
  await close(pair);
});

Deno.test("shutdown of the server lets streams finish, and those of late too", async () => {
  const streams: Stream[] = [];
  const serverStates: string[] = [];
  const clientStates: string[] = [];
  const pair = connect(
    (stream) => {
      streams.push(stream);
      return new CollectedStream();
    },
    { onState: (state) => serverStates.push(state) },
    { onState: (state) => clientStates.push(state) },
  );
  const first = request(pair.client).answer;
  await settle();
  const late = request(pair.client).answer;
  const over = pair.server.shutdown();
  await settle();
  strictEqual(pair.client.state, "draining");
  const tooLate = request(pair.client).answer;
  strictEqual((await tooLate.ended).how, "not-processed");
  strictEqual(streams.length, 2);
  for (const stream of streams) stream.sendHeaders(RESPONSE, true);
  strictEqual((await first.ended).how, "complete");
  strictEqual((await late.ended).how, "complete");
  strictEqual((await over).how, "orderly");
  strictEqual((await pair.client.closed).how, "orderly");
  deepStrictEqual(serverStates, ["draining", "closed"]);
  deepStrictEqual(clientStates, ["draining", "closed"]);
});

Deno.test("abort reports the code and the debug data, and loses the streams", async () => {
  const received = new CollectedStream();
  const pair = connect(() => received);
  const { answer } = request(pair.client);
  await settle();
  pair.server.abort(ErrorCode.INADEQUATE_SECURITY, textBytes("refused"));
  const { how, code, debugData } = await pair.client.closed;
  deepStrictEqual({ how, code, text: new TextDecoder().decode(debugData) }, {
    how: "accused",
    code: ErrorCode.INADEQUATE_SECURITY,
    text: "refused",
  });
  strictEqual((await answer.ended).how, "connection-lost");
  strictEqual((await received.ended).how, "connection-lost");
  strictEqual((await pair.server.closed).how, "lost");
});

Deno.test("a channel that goes away loses the streams under way", async () => {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, { onRequest: () => new CollectedStream() });
  const client = openClientConnection(near);
  const { answer } = request(client);
  await settle();
  const lost = rejects(client.ping());
  near.destroy();
  strictEqual((await answer.ended).how, "connection-lost");
  strictEqual((await client.closed).how, "lost");
  strictEqual((await server.closed).how, "lost");
  await lost;
  await rejects(client.ping());
  strictEqual((await request(client).answer.ended).how, "not-processed");
});

Deno.test("ping resolves with the round trip", async () => {
  const pair = connect(echo);
  strictEqual(await pair.client.ping() >= 0, true);
  strictEqual(await pair.server.ping() >= 0, true);
  await close(pair);
});

Deno.test("malformed fields are not sent", async () => {
  let thrown: unknown;
  const pair = connect((stream) => {
    try {
      stream.sendHeaders([":status", "200", "connection", "close"], true);
    } catch (error) {
      thrown = error;
    }
    stream.sendHeaders(RESPONSE, false);
    throws(() => stream.sendTrailers([":status", "200"]), TypeError);
    throws(() => stream.sendTrailers(["x", "a\r\nb: c"]), TypeError);
    stream.sendTrailers(["x", "y"]);
    throws(() => stream.sendData(new Uint8Array(1), true), TypeError);
    return new CollectedStream();
  });
  const options = { endStream: true };
  throws(() => pair.client.open([":method", "GET"], new CollectedStream(), options), TypeError);
  throws(
    () => pair.client.open([...REQUEST, "Upper", "x"], new CollectedStream(), options),
    TypeError,
  );
  strictEqual((await request(pair.client).answer.ended).how, "complete");
  strictEqual(thrown instanceof TypeError, true);
  await close(pair);
});

Deno.test("equal requests share one header list on the server", async () => {
  const lists = new Set<HeaderList>();
  const pair = connect((stream, fields) => {
    lists.add(fields);
    stream.sendHeaders(RESPONSE, true);
    return new CollectedStream();
  });
  for (let turn = 0; turn < 8; turn++) await request(pair.client).answer.ended;
  strictEqual(lists.size < 5, true);
  await close(pair);
});

Deno.test("limits that the protocol does not allow are refused", () => {
  const [near] = memoryChannelPair();
  const open = (limits: ConnectionOptions["limits"]) => () =>
    openClientConnection(near, { limits: limits! });
  throws(open({ maxFrameBytes: 16_383 }), RangeError);
  throws(open({ streamWindowBytes: 2 ** 31 }), RangeError);
  throws(open({ connectionWindowBytes: 1000 }), RangeError);
  throws(open({ keepaliveIdleMs: NaN }), RangeError);
});
