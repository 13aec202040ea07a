// A client on @grpc/grpc-js.
import { config, pattern, require, serve } from "./program.mjs";

const grpc = require("@grpc/grpc-js");
const { echoService, healthService, readStatus } = await import("./grpc_services.mjs");

const credentials = grpc.credentials.createSsl(
  Buffer.from(config.ca),
  ...(config.cert === undefined ? [] : [Buffer.from(config.key), Buffer.from(config.cert)]),
);
const options = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};
const address = `localhost:${config.port}`;
const echo = new echoService(address, credentials, options);
const health = new healthService(address, credentials, options);
const hanging = new Set();
const held = [];
let stopped = false;

/** Makes a call; reports what came, the headers and trailers, and how it failed where it did. */
async function outcome(about, call) {
  const seen = {};
  const metadata = new grpc.Metadata();
  if (about.say !== undefined) metadata.set("x-say", about.say);
  const options = about.timeoutMs === undefined ? {} : { deadline: Date.now() + about.timeoutMs };
  let made;
  const watch = (underWay) => {
    made = underWay;
    hanging.add(made);
    made.on("metadata", (fields) => seen.said = fields.get("x-said")[0]);
    made.on("status", ({ metadata }) => seen.saidLast = metadata.get("x-said-last")[0]);
    return made;
  };
  try {
    return { ...await call({ metadata, options, watch, seen }), ...seen };
  } catch (error) {
    if (!(error.code > 0)) throw error;
    return { ...seen, failure: failureOf(error) };
  } finally {
    hanging.delete(made);
  }
}

function failureOf({ code, details, metadata }) {
  return {
    code,
    message: details,
    failure: metadata.get("x-failure")[0],
    failureBin: metadata.get("x-failure-bin")[0]?.toString("base64"),
    details: metadata.get("grpc-status-details-bin").flatMap(readStatus),
  };
}

/** The response and the status of a call that is answered once. */
function once(watch, make) {
  return new Promise((resolve, reject) => {
    let response;
    const call = watch(make((error, answer) => error ? reject(error) : response = answer));
    call.on("status", () => setImmediate(() => resolve(response)));
  });
}

await serve({
  health: () =>
    outcome({}, async ({ metadata, options, watch }) => {
      const { status } = await once(watch, (done) => health.check({}, metadata, options, done));
      return { status };
    }),
  echo: (about) =>
    outcome(about, async ({ metadata, options, watch }) => {
      const data = pattern(about.bytes ?? 0);
      const request = { text: about.text, data };
      const response = await once(watch, (done) => echo.echo(request, metadata, options, done));
      return { text: response.text, same: data.equals(response.data) };
    }),
  repeat: (about) =>
    outcome(about, async ({ metadata, options, watch, seen }) => {
      const data = pattern(about.bytes ?? 0);
      seen.items = 0;
      const request = { text: about.text, data, count: about.count };
      // Its async iterator drops what is buffered when an error comes behind it.
      await new Promise((resolve, reject) => {
        const call = watch(echo.repeat(request, metadata, options));
        call.on("data", (response) => {
          if (response.index === seen.items && data.equals(response.data)) seen.items++;
        });
        call.on("error", reject);
        call.on("end", resolve);
      });
      return {};
    }),
  collect: (about) =>
    outcome(about, async ({ metadata, options, watch }) => {
      const { text } = await once(watch, (done) => {
        const call = echo.collect(metadata, options, done);
        for (const text of about.texts) call.write({ text });
        call.end();
        return call;
      });
      return { text };
    }),
  converse: (about) =>
    outcome(about, async ({ metadata, options, watch }) => {
      const data = pattern(about.bytes ?? 0);
      const left = [...about.texts];
      const texts = [];
      let same = true;
      const call = watch(echo.converse(metadata, options));
      call.write({ text: left.shift(), data });
      for await (const response of call) {
        texts.push(`${response.index} ${response.text}`);
        same &&= data.equals(response.data);
        if (left.length === 0) call.end();
        else call.write({ text: left.shift(), data });
      }
      return { texts, same };
    }),
  abort: () => hanging.forEach((call) => call.cancel()),
  async hold({ count }) {
    for (let n = 0; n < count; n++) {
      const call = echo.converse();
      call.write({ text: `first ${n}` });
      held.push({ call, responses: call[Symbol.asyncIterator]() });
    }
    const firsts = await Promise.all(held.map(({ responses }) => responses.next()));
    return firsts.filter(({ value }, n) => value.text === `first ${n}`).length;
  },
  async finish() {
    const calls = held.splice(0).map(async ({ call, responses }, n) => {
      call.write({ text: `second ${n}` });
      call.end();
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
    stopped = false;
    await Promise.all(Array.from({ length: callers }, async (_, caller) => {
      while (!stopped) {
        const text = `${caller} ${calls++}`;
        const { text: answer, failure } = await outcome(
          {},
          ({ metadata, options, watch }) =>
            once(watch, (done) => echo.echo({ text }, metadata, options, done)),
        );
        if (failure !== undefined) failures.push(`${failure.code} ${failure.message}`);
        else if (answer !== text) failures.push(`wrong answer ${answer}`);
      }
    }));
    return { calls, failures };
  },
  stop: () => stopped = true,
});
