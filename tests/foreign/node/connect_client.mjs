// A client on @connectrpc/connect-node: Connect, gRPC or gRPC-Web over node:http2.
import { config, pattern, Pushed, require, serve } from "./program.mjs";

const { createFileRegistry, fromBinary } = require("@bufbuild/protobuf");
const { FileDescriptorSetSchema } = require("@bufbuild/protobuf/wkt");
const { ConnectError, createClient } = require("@connectrpc/connect");
const node = require("@connectrpc/connect-node");

const set = fromBinary(FileDescriptorSetSchema, Buffer.from(config.descriptors, "base64"));
const registry = createFileRegistry(set);
const create = {
  "connect": node.createConnectTransport,
  "grpc": node.createGrpcTransport,
  "grpc-web": node.createGrpcWebTransport,
}[config.protocol];
const transport = create({
  baseUrl: `https://127.0.0.1:${config.port}`,
  httpVersion: "2",
  nodeOptions: { ca: config.ca, cert: config.cert, key: config.key },
  useBinaryFormat: config.format !== "json",
  ...(config.compression === undefined ? {} : { sendCompression: node.compressionGzip }),
});
const echo = createClient(registry.getService("selvage.test.v1.EchoService"), transport);
const health = createClient(registry.getService("grpc.health.v1.Health"), transport);
const hanging = new Set();
const held = [];
let stopped = false;

/** Makes a call; reports what came, the headers and trailers, and how it failed where it did. */
async function outcome(about, call) {
  const seen = {};
  const abort = new AbortController();
  hanging.add(abort);
  try {
    const headers = about.say === undefined ? {} : { "x-say": about.say };
    const answer = await call({
      headers,
      signal: abort.signal,
      ...(about.timeoutMs === undefined ? {} : { timeoutMs: about.timeoutMs }),
      onHeader: (fields) => seen.said = fields.get("x-said"),
      onTrailer: (fields) => seen.saidLast = fields.get("x-said-last"),
    }, seen);
    return { ...answer, ...seen };
  } catch (error) {
    return { ...seen, failure: failureOf(ConnectError.from(error)) };
  } finally {
    hanging.delete(abort);
  }
}

function failureOf(error) {
  const details = error.findDetails(registry.getMessage("selvage.test.v1.EchoRequest"));
  return {
    code: error.code,
    message: error.rawMessage,
    failure: error.metadata.get("x-failure"),
    failureBin: error.metadata.get("x-failure-bin"),
    details: details.map(({ text, count }) => ({ text, count })),
  };
}

await serve({
  health: () =>
    outcome({}, async (options) => {
      const { status } = await health.check({}, options);
      return { status };
    }),
  echo: (about) =>
    outcome(about, async (options) => {
      const data = pattern(about.bytes ?? 0);
      const response = await echo.echo({ text: about.text, data }, options);
      return { text: response.text, same: data.equals(response.data) };
    }),
  repeat: (about) =>
    outcome(about, async (options, seen) => {
      const data = pattern(about.bytes ?? 0);
      seen.items = 0;
      const request = { text: about.text, data, count: about.count };
      for await (const { index, data: got } of echo.repeat(request, options)) {
        if (index === seen.items && data.equals(got)) seen.items++;
      }
      return {};
    }),
  collect: (about) =>
    outcome(about, async (options) => {
      const requests = new Pushed();
      for (const text of about.texts) requests.push({ text });
      requests.end();
      const { text } = await echo.collect(requests, options);
      return { text };
    }),
  converse: (about) =>
    outcome(about, async (options) => {
      const requests = new Pushed();
      const data = pattern(about.bytes ?? 0);
      const left = [...about.texts];
      const texts = [];
      let same = true;
      requests.push({ text: left.shift(), data });
      for await (const response of echo.converse(requests, options)) {
        texts.push(`${response.index} ${response.text}`);
        same &&= data.equals(response.data);
        if (left.length === 0) requests.end();
        else requests.push({ text: left.shift(), data });
      }
      return { texts, same };
    }),
  abort: () => hanging.forEach((abort) => abort.abort()),
  async hold({ count }) {
    for (let n = 0; n < count; n++) {
      const requests = new Pushed();
      requests.push({ text: `first ${n}` });
      held.push({ requests, responses: echo.converse(requests)[Symbol.asyncIterator]() });
    }
    const firsts = await Promise.all(held.map(({ responses }) => responses.next()));
    return firsts.filter(({ value }, n) => value.text === `first ${n}`).length;
  },
  async finish() {
    const calls = held.splice(0).map(async ({ requests, responses }, n) => {
      requests.push({ text: `second ${n}` });
      requests.end();
      const { value } = await responses.next();
      const { done } = await responses.next();
      return done && value.text === `second ${n}`;
    });
    const ends = await Promise.allSettled(calls);
    return ends.filter(({ value }) => value === true).length;
  },
  async load({ callers }) {
    const failures = [];
    let calls = 0;
    let refused = 0;
    stopped = false;
    await Promise.all(Array.from({ length: callers }, async (_, caller) => {
      while (!stopped) {
        const text = `${caller} ${calls++}`;
        await echo.echo({ text }).then((response) => {
          if (response.text !== text) failures.push(`wrong answer ${response.text}`);
        }, (error) => {
          // Requests of the very turn in which Node reads a GOAWAY are never sent: it closes their
          // streams with this code, and connect-node leaves it to its caller to try again.
          if (error.message.endsWith("NGHTTP2_REFUSED_STREAM")) refused++;
          else failures.push(String(error));
        });
      }
    }));
    return { calls, refused, failures };
  },
  stop: () => stopped = true,
});
