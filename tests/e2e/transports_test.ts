import assert from "node:assert/strict";
import { createClient, type HandlerContext } from "@connectrpc/connect";
import type { TransportChoices } from "../../src/rpc/mod.ts";
import type { WorkerServer } from "../../src/worker/mod.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { openDispatcher, startWorker } from "./pair.ts";
import { Trust } from "./trust.ts";

/** A worker whose echo says how it was called, and whose stream says when it was left. */
function startEcho(trust: Trust, left?: (text: string) => void): Promise<WorkerServer> {
  const echo = (_: unknown, context: HandlerContext) => ({ text: wayOf(context) });
  return startWorker(trust, {
    services: (router) =>
      router.service(EchoService, {
        echo,
        echoWithoutSideEffects: echo,
        async *repeat({ text }) {
          try {
            for (let index = 0;; index++) yield { text, index };
          } finally {
            left?.(text);
          }
        },
      }),
  });
}

function wayOf({ protocolName, requestMethod, requestHeader, url }: HandlerContext): string {
  const { searchParams } = new URL(url);
  return [
    protocolName,
    requestMethod,
    requestHeader.get("content-type") ?? searchParams.get("encoding"),
    requestHeader.get("content-encoding") ?? requestHeader.get("grpc-encoding") ?? "identity",
    requestHeader.get("x-by") ?? "nobody",
  ].join(" ");
}

const WAYS: readonly (readonly [choices: TransportChoices, seen: string])[] = [
  [{}, "connect POST application/proto identity nobody"],
  [{ useBinaryFormat: false }, "connect POST application/json identity nobody"],
  [{ compression: "gzip" }, "connect POST application/proto gzip nobody"],
  [{ protocol: "grpc" }, "grpc POST application/grpc+proto identity nobody"],
  [{ protocol: "grpc", compression: "br" }, "grpc POST application/grpc+proto br nobody"],
  [{ protocol: "grpc-web" }, "grpc-web POST application/grpc-web+proto identity nobody"],
  [{ useHttpGet: true }, "connect GET proto identity nobody"],
  [{ useHttpGet: true, useBinaryFormat: false }, "connect GET json identity nobody"],
  [
    {
      interceptors: [(next) => (request) => {
        request.header.set("x-by", "interceptor");
        return next(request);
      }],
    },
    "connect POST application/proto identity interceptor",
  ],
];

Deno.test("transportFor() calls in the protocol and form that was chosen", async (t) => {
  const trust = new Trust();
  await using worker = await startEcho(trust);
  await using dispatcher = await openDispatcher(trust, worker.address);
  const data = new Uint8Array(100_000);
  for (const [choices, seen] of WAYS) {
    await t.step(seen, async () => {
      const client = createClient(EchoService, dispatcher.transportFor(choices));
      const { text } = choices.useHttpGet
        ? await client.echoWithoutSideEffects({})
        : await client.echo({ data });
      assert.equal(text, seen);
    });
  }
  assert.equal(worker.peers().length, 1);
});

Deno.test("breaking off a server stream of a transport ends the call at the worker", async () => {
  const trust = new Trust();
  const left = new Map<string, () => void>();
  await using worker = await startEcho(trust, (text) => left.get(text)?.());
  await using dispatcher = await openDispatcher(trust, worker.address);
  const transports = {
    "the default": dispatcher.transport,
    "gRPC": dispatcher.transportFor({ protocol: "grpc" }),
    "interceptors": dispatcher.transportFor({ interceptors: [(next) => (req) => next(req)] }),
  };
  for (const [text, transport] of Object.entries(transports)) {
    const over = Promise.withResolvers<void>();
    left.set(text, over.resolve);
    for await (const { index } of createClient(EchoService, transport).repeat({ text })) {
      if (index === 2) break;
    }
    await over.promise;
    assert.equal(dispatcher.workers()[0]?.inFlight, 0);
  }
});
