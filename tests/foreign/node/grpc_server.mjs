// A server on @grpc/grpc-js.
import { config, require, serve, tell } from "./program.mjs";

const grpc = require("@grpc/grpc-js");
const { echoService, writeStatus } = await import("./grpc_services.mjs");

const FAILURE = "asked to fail, 100% \u2013 sorry";
const peers = new Set();
let hanging = new Set();

/** Does what a request asks for, then calls back with an error or nothing. */
function obey(call, text, done) {
  if (text === "fail") {
    const metadata = new grpc.Metadata();
    const code = grpc.status.FAILED_PRECONDITION;
    metadata.set("x-failure", "yes");
    metadata.set("x-failure-bin", Buffer.from([0, 1, 2]));
    const status = writeStatus(code, FAILURE, { text: "a detail", count: 7 });
    metadata.set("grpc-status-details-bin", status);
    done({ code, details: FAILURE, metadata });
  } else if (text.startsWith("hang")) {
    hanging.add(done);
    call.on("cancelled", () => {
      hanging.delete(done);
      tell("stopped");
    });
    tell("hanging", { text });
  } else done(null);
}

/** Answers with what the caller asked to be said; gives the trailers. */
function annotate(call) {
  if (!peers.has(call.getPeer())) tell("session");
  peers.add(call.getPeer());
  const [said] = call.metadata.get("x-say");
  const header = new grpc.Metadata();
  const trailer = new grpc.Metadata();
  if (said !== undefined) {
    header.set("x-said", said);
    trailer.set("x-said-last", said);
  }
  call.sendMetadata(header);
  return trailer;
}

function echo(call, answer) {
  const { text, data } = call.request;
  const trailer = annotate(call);
  obey(call, text, (error) => error ? answer(error) : answer(null, { text, data }, trailer));
}

const server = new grpc.Server({
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  ...(config.streams === undefined ? {} : { "grpc.max_concurrent_streams": config.streams }),
  ...(config.leaveAfterMs === undefined
    ? {}
    : { "grpc.max_connection_age_ms": config.leaveAfterMs }),
});
server.addService(echoService.service, {
  echo,
  echoWithoutSideEffects: echo,
  async repeat(call) {
    const { text, data, count } = call.request;
    const trailer = annotate(call);
    for (let index = 0; index < count; index++) {
      if (!call.write({ text, data, index })) await new Promise((go) => call.once("drain", go));
    }
    obey(call, text, (error) => error ? call.emit("error", error) : call.end(trailer));
  },
  collect(call, answer) {
    const trailer = annotate(call);
    const texts = [];
    let answered = false;
    const give = () => {
      if (!answered) answer(null, { text: texts.join(" ") }, trailer);
      answered = true;
    };
    call.on("data", ({ text }) => {
      texts.push(text);
      if (text === "enough") give();
    });
    call.on("end", give);
  },
  converse(call) {
    const trailer = annotate(call);
    let index = 0;
    call.on("data", ({ text, data }) => call.write({ text, data, index: index++ }));
    call.on("end", () => call.end(trailer));
    call.on("error", () => {});
  },
});

const credentials = grpc.ServerCredentials.createSsl(Buffer.from(config.ca), [{
  private_key: Buffer.from(config.key),
  cert_chain: Buffer.from(config.cert),
}], true);
server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
  if (error) throw error;
  tell("listening", { port });
  serve({
    release() {
      const released = hanging;
      hanging = new Set();
      for (const done of released) done(null);
    },
    leave: () => server.drain(`127.0.0.1:${port}`, 60_000),
  });
});
