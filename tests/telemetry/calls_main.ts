/** Makes calls over mutual TLS while its platform exports telemetry; run by `otlp_test.ts`. */
import { createClient } from "@connectrpc/connect";
import { metrics } from "@opentelemetry/api";
import { routine } from "../../src/contract/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { Trust } from "../e2e/trust.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const routines = {
  add: routine("otlp.add", (a: number, b: number) => a + b),
  fails: routine("otlp.fails", () => {
    throw new RangeError("out of range");
  }),
  counts: routine("otlp.counts", async function* (to: number) {
    for (let i = 0; i < to; i++) yield i;
  }),
};

const trust = new Trust();
await using worker = await startWorker(trust, {
  routines,
  services: (router) => router.service(EchoService, { echo: ({ text }) => ({ text }) }),
});
await using dispatcher = await openDispatcher(trust, worker.address);
await dispatcher.call(routines.add, [1, 2]);
await dispatcher.call(routines.fails, []).catch(() => {});
await Array.fromAsync(dispatcher.stream(routines.counts, [3]));
await createClient(EchoService, dispatcher.transport).echo({ text: "hello" });
// A refused handshake, at both ends.
const stranger = await openDispatcher(new Trust(), worker.address);
await stranger.call(routines.add, [1, 2]).catch(() => {});
await stranger[Symbol.asyncDispose]();
// Gauges are read when the platform collects: its second collection from here holds all of the above.
const collected = Promise.withResolvers<void>();
let collections = 0;
metrics.getMeter("test").createObservableGauge("test.collected").addCallback(() => {
  if (++collections === 2) collected.resolve();
});
const alive = setInterval(() => {}, 1_000);
await collected.promise;
clearInterval(alive);
