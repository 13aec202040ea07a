// A server on node:http2 and nothing else: it answers Connect and gRPC by hand.
import { constants, createSecureServer } from "node:http2";
import { config, serve, tell } from "./program.mjs";

const sessions = new Set();
const streams = new Set();
const held = [];
const server = createSecureServer({
  cert: config.cert,
  key: config.key,
  ca: config.ca,
  requestCert: true,
  rejectUnauthorized: true,
  settings: config.streams === undefined ? {} : { maxConcurrentStreams: config.streams },
});
server.on("stream", (stream) => {
  streams.add(stream.id);
  stream.on("close", () => streams.delete(stream.id));
});
server.on("session", (session) => {
  tell("session");
  sessions.add(session);
  session.on("close", () => sessions.delete(session));
  session.on("error", (error) => tell("session-error", { message: error.message }));
});
// The request and the response of `Echo` are the same bytes, so are the items of `Converse`.
server.on("stream", (stream, headers) => {
  const type = headers["content-type"];
  stream.on("error", () => {});
  stream.on("close", () => {
    if (stream.rstCode === constants.NGHTTP2_CANCEL) tell("cancelled");
  });
  if (type === "application/proto") answerOnce(stream);
  else if (type.startsWith("application/grpc")) answerWithTrailers(stream, type, headers["x-say"]);
  else answerStream(stream, type);
});

function answerOnce(stream) {
  const body = [];
  stream.on("data", (bytes) => body.push(bytes));
  stream.on("end", () => {
    const message = Buffer.concat(body);
    const answer = () => {
      if (stream.destroyed) return;
      stream.respond({ ":status": 200, "content-type": "application/proto", "x-said": "here" });
      stream.end(message);
    };
    if (!message.includes("hang")) return answer();
    held.push(answer);
    tell("hanging");
  });
}

function answerStream(stream, type) {
  stream.respond({ ":status": 200, "content-type": type });
  stream.on("data", (bytes) => stream.write(bytes));
  stream.on("end", () => stream.end(Buffer.from([2, 0, 0, 0, 2, 0x7b, 0x7d])));
}

function answerWithTrailers(stream, type, say = "nothing") {
  const header = { ":status": 200, "content-type": type, "x-said": say };
  stream.respond(header, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-said-last": say }));
  stream.pipe(stream);
}

server.listen(0, "127.0.0.1", () => tell("listening", { port: server.address().port }));

await serve({
  release: () => held.splice(0).forEach((answer) => answer()),
  goaway({ kept }) {
    const last = [...streams].sort((a, b) => a - b)[kept - 1];
    sessions.forEach((session) => session.goaway(0, last));
  },
  leave: () => sessions.forEach((session) => session.close()),
  destroy: () => sessions.forEach((session) => session.destroy()),
  ping: () =>
    Promise.all(
      [...sessions].filter(({ destroyed }) => !destroyed).map((session) =>
        new Promise((resolve, reject) => session.ping((error) => error ? reject(error) : resolve()))
      ),
    ),
});
