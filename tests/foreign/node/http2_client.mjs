// A client on node:http2 and nothing else: requests are written by hand.
import { connect, constants } from "node:http2";
import { config, pattern, serve, tell } from "./program.mjs";

const session = connect(`https://127.0.0.1:${config.port}`, {
  ca: config.ca,
  cert: config.cert,
  key: config.key,
});
session.on("goaway", (code, last) => tell("goaway", { code, last }));
session.on("error", (error) => tell("error", { message: error.message }));
session.on("close", () => tell("close"));
session.on("connect", () => tell("connect", { alpn: session.alpnProtocol }));
const held = [];

/** Sends a request and waits for all of its answer. */
function request(path, type, body, more = {}) {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": type,
    ...more,
  });
  stream.end(body);
  return answerOf(stream);
}

function answerOf(stream) {
  return new Promise((resolve, reject) => {
    const answer = { trailers: {} };
    const body = [];
    stream.on("response", (headers) => answer.headers = { ...headers });
    stream.on("trailers", (trailers) => answer.trailers = { ...trailers });
    stream.on("data", (bytes) => body.push(bytes));
    stream.on("error", reject);
    stream.on(
      "close",
      () => resolve({ ...answer, body: Buffer.concat(body), code: stream.rstCode }),
    );
  });
}

/** A message behind the five bytes that gRPC and Connect streams put before each. */
function enveloped(message, flags = 0) {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const ECHO = "/selvage.test.v1.EchoService/Echo";
const CONVERSE = "/selvage.test.v1.EchoService/Converse";

await serve({
  async unary({ text, say }) {
    const json = JSON.stringify({ text });
    const { headers, body } = await request(ECHO, "application/json", json, { "x-say": say });
    return {
      protocol: session.alpnProtocol === "h2" ? "HTTP/2.0" : session.alpnProtocol,
      status: headers[":status"],
      said: headers["x-said"],
      saidLast: headers["trailer-x-said-last"],
      body: JSON.parse(body),
    };
  },
  async grpc({ text, say }) {
    const message = Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
    const more = { te: "trailers", "x-say": say };
    const { headers, trailers, body } = await request(
      ECHO,
      "application/grpc",
      enveloped(message),
      more,
    );
    return {
      status: headers[":status"],
      said: headers["x-said"],
      grpcStatus: trailers["grpc-status"],
      saidLast: trailers["x-said-last"],
      same: body.equals(enveloped(message)),
    };
  },
  async large({ bytes }) {
    const data = pattern(bytes);
    const head = Buffer.from([0x12, 0, 0, 0, 0]);
    for (let at = 1, left = bytes; at < 5; at++, left >>= 7) {
      head[at] = (left & 0x7f) | (at < 4 ? 0x80 : 0);
    }
    const message = Buffer.concat([head, data]);
    const { body } = await request(ECHO, "application/proto", message);
    return body.equals(message);
  },
  async missing() {
    const { headers, body } = await request(
      "/selvage.test.v1.EchoService/Nothing",
      "application/json",
      "{}",
    );
    return { status: headers[":status"], body: body.toString() };
  },
  cancel() {
    const stream = session.request({
      ":method": "POST",
      ":path": ECHO,
      "content-type": "application/json",
    });
    stream.end(JSON.stringify({ text: "hang" }));
    held.push({ stream });
  },
  reset: () => held.splice(0).forEach(({ stream }) => stream.close(constants.NGHTTP2_CANCEL)),
  async hold({ count }) {
    const first = Buffer.from(JSON.stringify({ text: "first" }));
    const began = Array.from({ length: count }, () => {
      const stream = session.request({
        ":method": "POST",
        ":path": CONVERSE,
        "content-type": "application/connect+json",
      });
      stream.write(enveloped(first));
      held.push({ stream, answer: answerOf(stream) });
      return new Promise((resolve) => stream.once("data", resolve));
    });
    await Promise.all(began);
    return held.length;
  },
  async finish() {
    const answers = held.splice(0).map(({ stream, answer }) => {
      stream.end(enveloped(Buffer.from(JSON.stringify({ text: "second" }))));
      return answer;
    });
    const ended = await Promise.all(answers);
    return ended.filter(({ body, code }) => code === 0 && body.includes('"second"')).length;
  },
  ping: () =>
    new Promise((resolve, reject) =>
      session.ping((error, ms) => error ? reject(error) : resolve(ms))
    ),
  leave() {
    session.close();
  },
});
