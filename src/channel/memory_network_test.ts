import assert from "node:assert/strict";
import type { ByteChannel } from "../http2/mod.ts";
import { scopedValue } from "../platform/mod.ts";
import { settle } from "../../tests/support/http2/test_peer.ts";
import { dialInMemory, listenInMemory } from "./memory_network.ts";

Deno.test("a listener in memory, and what receives, run with the values of their own and not of those who dial and write", async () => {
  const value = scopedValue<string>("selvage.test.memory");
  const seen: unknown[] = [];
  const name = { kind: "memory", name: "own-values" } as const;
  const receive = (channel: ByteChannel) =>
    channel.start({
      received: () => void seen.push(value.get()),
      ended: () => seen.push(value.get()),
      closed() {},
    });
  using _listener = value.run("listener", () => listenInMemory(name, receive));
  const channel = value.run("dialler", () => dialInMemory(name, {}));
  value.run("reader", () => receive(channel!));
  value.run("writer", () => channel!.write(Uint8Array.of(1), () => seen.push("written")));
  await settle();
  value.run("writer", () => channel!.end());
  await settle();
  assert.deepEqual(seen, ["written", "listener", "listener"]);
});
