/** The group of the key exchange, as we show it and as Go sees it on the same connection. */
import assert from "node:assert/strict";
import type { PeerAccepted } from "../../../src/observe/mod.ts";
import { serveByHand } from "../by_hand.ts";
import { startEchoWorker } from "../ground.ts";
import { dispatcherClient } from "../our_client.ts";
import { testWithTool } from "../tool.ts";
import { go, goProgram } from "./go_program.ts";

/** The groups that Go offers or takes (its own, where none is named), and the one that is agreed on. */
const GROUPS: readonly (readonly [groups: readonly string[], agreed: string])[] = [
  [["x25519"], "x25519"],
  [["secp256r1"], "secp256r1"],
  [["X25519MLKEM768"], "X25519MLKEM768"],
  [[], "X25519MLKEM768"],
];

for (const [groups, agreed] of GROUPS) {
  const offered = groups.join() || "what it takes by itself";

  testWithTool(
    go,
    `a worker shows that Go has agreed on ${agreed}, offering ${offered}`,
    async () => {
      await using served = await startEchoWorker();
      const { worker } = served;
      using events = worker.events();
      await using client = await goProgram("httpclient", { ...served.config, groups });
      assert.equal(await client.ask("group"), agreed);
      assert.deepEqual(worker.peers().map(({ keyExchange }) => keyExchange), [agreed]);
      assert.deepEqual(worker.posture().keyExchange, { [agreed]: 1 });
      for await (const event of events) {
        if (event.type !== "peer.accepted") continue;
        assert.equal((event as PeerAccepted).keyExchange, agreed);
        break;
      }
    },
  );

  testWithTool(
    go,
    `a dispatcher shows that it has agreed on ${agreed} with Go, which takes ${offered}`,
    async () => {
      await using served = await serveByHand((config) => goProgram("httpserver", config), {
        groups,
      });
      await using ours = await dispatcherClient(served.port, served.trust.client());
      const { dispatcher, client } = ours;
      await client.echo({ text: "hello" });
      assert.equal(await served.server.ask("group"), agreed);
      assert.deepEqual(dispatcher.workers().map(({ keyExchange }) => keyExchange), [agreed]);
    },
  );
}

testWithTool(
  go,
  "the group of a key exchange in TLS 1.2 is unknown, as a worker shows it",
  async () => {
    await using served = await startEchoWorker({ minTlsVersion: "TLSv1.2" });
    await using client = await goProgram("httpclient", { ...served.config, oldTls: true });
    await client.ask("unary", { text: "hello" });
    assert.deepEqual(
      served.worker.peers().map(({ protocol, keyExchange }) => [protocol, keyExchange]),
      [["TLSv1.2", "unknown"]],
    );
  },
);
