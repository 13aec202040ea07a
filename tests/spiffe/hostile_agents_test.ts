import assert from "node:assert/strict";
import { createServer } from "node:net";
import { ConfigurationError } from "../../src/errors/mod.ts";
import type { Stream } from "../../src/http2/mod.ts";
import { listenRaw, makeDomain, svid } from "./fake_agent.ts";
import { Machine } from "./machine.ts";

const example = makeDomain("example.org");
const worker = () => ({ svids: [svid(example, "worker")] });

Deno.test("Credentials.spiffeWorkloadApi() does not take a message that is too large", async () => {
  await using machine = new Machine();
  const svids = [{ ...svid(example, "worker"), bundle: new Uint8Array(5 * 1024 * 1024) }];
  await using agent = await machine.agent({ svids });
  const opening = machine.open();
  const [rejected] = await machine.observer.until("credentials.rejected");
  assert.match(rejected?.message ?? "", /resource_exhausted/);
  agent.give(worker());
  machine.retry();
  await using _source = await opening;
});

Deno.test("Credentials.spiffeWorkloadApi() names a peer that speaks no gRPC, and goes on", async () => {
  const messages = {
    "garbled message": (stream: Stream) => {
      stream.sendHeaders([":status", "200", "content-type", "application/grpc"], false);
      stream.sendData(new Uint8Array([0, 0, 0, 0, 3, 0xff, 0xff, 0xff]), true);
    },
    "no gRPC status": (stream: Stream) => {
      stream.sendHeaders([":status", "200", "content-type", "text/html"], true);
    },
    "not found": (stream: Stream) => stream.sendHeaders([":status", "404"], true),
  };
  await using machine = new Machine();
  let answer: ((stream: Stream) => void) | undefined;
  await using _listener = await listenRaw(machine.socket, () => ({
    onRequest: (stream) => {
      answer?.(stream);
      return {
        data: (bytes) => stream.release(bytes.length),
        trailers: () => {},
        closed: () => {},
      };
    },
  }));
  let rejected = 0;
  for (const [what, send] of Object.entries(messages)) {
    answer = send;
    const opening = machine.open({ waitMs: 1000 });
    // An answer that it has no such method ends the waiting at once.
    void machine.observer.until("credentials.rejected", ++rejected)
      .then(() => machine.clock.advance(1000));
    await assert.rejects(opening, ConfigurationError, what);
  }
});

Deno.test("Credentials.spiffeWorkloadApi() names a peer that speaks no HTTP/2", async () => {
  await using machine = new Machine();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    socket.end("220 ready\r\n");
  });
  await new Promise<void>((resolve) => server.listen({ path: machine.socket }, resolve));
  const opening = machine.open({ waitMs: 1000 });
  await machine.observer.until("credentials.rejected");
  machine.clock.advance(1000);
  await assert.rejects(opening, /unix:.*agent\.sock: it does not speak HTTP\/2/);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("Credentials.spiffeWorkloadApi() leaves an agent that never answers, and asks again", async () => {
  await using machine = new Machine();
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let requests = 0;
  await using _listener = await listenRaw(machine.socket, () => ({
    onRequest: (stream) => {
      asked[requests++]?.resolve();
      return {
        data: (bytes) => stream.release(bytes.length),
        trailers: () => {},
        closed: () => {},
      };
    },
  }));
  const giveUp = new AbortController();
  const opening = machine.open({ waitMs: 3_600_000 }, { signal: giveUp.signal });
  await asked[0]?.promise;
  machine.clock.advance(30_000);
  const [silent] = await machine.observer.until("credentials.rejected");
  assert.match(silent?.message ?? "", /no answer within 30000 ms/);
  machine.retry();
  await asked[1]?.promise;
  giveUp.abort();
  await assert.rejects(opening);
});
