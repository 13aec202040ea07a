// A server on @connectrpc/connect-node: Connect, gRPC and gRPC-Web over node:http2.
import { createSecureServer } from "node:http2";
import { config, require, serve, tell } from "./program.mjs";

const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { ConnectError, Code } = require("@connectrpc/connect");
const { connectNodeAdapter } = require("@connectrpc/connect-node");

const set = fromBinary(FileDescriptorSetSchema, Buffer.from(config.descriptors, "base64"));
const registry = createFileRegistry(set);
const desc = registry.getMessage("selvage.test.v1.EchoRequest");
let released = deferred();

function deferred() {
  let resolve;
  const promise = new Promise((done) => resolve = done);
  return { promise, resolve };
}

async function obey(text, signal) {
  if (text === "fail") {
    const metadata = { "x-failure": "yes", "x-failure-bin": "AAEC" };
    const detail = { desc, value: { text: "a detail", count: 7 } };
    const message = "asked to fail, 100% \u2013 sorry";
    throw new ConnectError(message, Code.FailedPrecondition, metadata, [detail]);
  }
  if (text.startsWith("hang")) {
    tell("hanging", { text });
    await new Promise((resolve, reject) => {
      released.promise.then(resolve);
      signal.addEventListener("abort", () => {
        tell("stopped");
        reject(signal.reason);
      });
    });
  }
}

function annotate({ requestHeader, responseHeader, responseTrailer }) {
  const said = requestHeader.get("x-say");
  if (said === null) return;
  responseHeader.set("x-said", said);
  responseTrailer.set("x-said-last", said);
}

async function echo({ text, data }, context) {
  annotate(context);
  await obey(text, context.signal);
  return { text, data };
}

const adapter = connectNodeAdapter({
  routes: (router) =>
    router.service(registry.getService("selvage.test.v1.EchoService"), {
      echo,
      echoWithoutSideEffects: echo,
      async *repeat({ text, data, count }, context) {
        annotate(context);
        for (let index = 0; index < count; index++) yield { text, data, index };
        await obey(text, context.signal);
      },
      async collect(requests, context) {
        annotate(context);
        const texts = [];
        for await (const { text } of requests) {
          texts.push(text);
          if (text === "enough") break;
        }
        return { text: texts.join(" ") };
      },
      async *converse(requests, context) {
        annotate(context);
        let index = 0;
        for await (const { text, data } of requests) yield { text, data, index: index++ };
      },
    }),
});

const sessions = new Set();
const streams = new Set();
const server = createSecureServer({
  cert: config.cert,
  key: config.key,
  ca: config.ca,
  requestCert: true,
  rejectUnauthorized: true,
  settings: config.streams === undefined ? {} : { maxConcurrentStreams: config.streams },
}, adapter);
server.on("stream", (stream) => {
  streams.add(stream.id);
  stream.on("close", () => streams.delete(stream.id));
});
server.on("session", (session) => {
  tell("session");
  sessions.add(session);
  session.on("close", () => sessions.delete(session));
  session.on("error", (error) => tell("session-error", { message: error.message }));
  if (config.leaveAfterMs !== undefined) setTimeout(() => session.close(), config.leaveAfterMs);
});
server.listen(0, "127.0.0.1", () => tell("listening", { port: server.address().port }));

await serve({
  release() {
    released.resolve();
    released = deferred();
  },
  goaway({ kept }) {
    const last = [...streams].sort((a, b) => a - b)[kept - 1];
    sessions.forEach((session) => session.goaway(0, last));
  },
  leave: () => sessions.forEach((session) => session.close()),
  sessions: () => sessions.size,
});
