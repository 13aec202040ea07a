import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket, type Socket } from "node:dgram";
import * as packet from "dns-packet";
import { systemClock } from "../../observe/mod.ts";
import { askServer } from "./exchange.ts";

const NAME = "workers.internal";

/** A response to a question with one address. */
function answer(question: Uint8Array, data: string): Buffer {
  const { id, questions } = packet.decode(Buffer.from(question));
  const answers = [{ type: "A", name: NAME, ttl: 1, data }];
  return Buffer.from(packet.encode({ type: "response", id, questions, answers } as never));
}

async function bound(family: "udp4" | "udp6", host: string): Promise<Socket> {
  const socket = createSocket(family);
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  return socket;
}

for (
  const [family, host, spelt] of [["udp4", "127.0.0.1", "localhost"], [
    "udp6",
    "::1",
    "0:0::1",
  ]] as const
) {
  Deno.test(`askServer() takes no answer from elsewhere than the server it asks, over ${family}`, async () => {
    const server = await bound(family, host);
    const stranger = await bound(family, host);
    server.on("message", (question, { port, address }) => {
      const real = () => server.send(answer(question, "10.0.0.1"), port, address);
      stranger.send(answer(question, "10.6.6.6"), port, address, real);
    });
    const { answers } = await askServer({
      server: { host: spelt, port: server.address().port },
      name: NAME,
      type: "A",
      timeoutMs: 20_000,
      signal: new AbortController().signal,
      clock: systemClock,
    });
    assert.deepEqual(answers.map((one) => (one as { data?: unknown }).data), ["10.0.0.1"]);
    server.close();
    stranger.close();
  });
}
