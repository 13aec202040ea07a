/** Invariant 4: an announcement causes no call to reach an unverified peer, nor chooses the name. */
import assert from "node:assert/strict";
import type { DiscoveredWorker, Discovery } from "../../src/discovery/mod.ts";
import { ConfigurationError, HandshakeError } from "../../src/errors/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { add } from "../e2e/routines.ts";
import { Trust } from "../e2e/trust.ts";

/** A discovery that believes whatever is announced. */
function announcing(worker: DiscoveredWorker): Discovery {
  return {
    source: "announced",
    namesWorkers: false,
    async *watch() {
      yield [{ kind: "added", worker }];
    },
  };
}

Deno.test("an announcement does not choose the name that is verified", async () => {
  const trust = new Trust();
  const other = "spiffe://example.org/other";
  await using impostor = await startWorker(trust, {}, trust.worker(other));
  const discovery = announcing({ address: impostor.address, expected: other });
  await using dispatcher = await openDispatcher(trust, [], { discovery });
  await assert.rejects(
    dispatcher.call(add, [1, 2]),
    (error) => error instanceof HandshakeError && error.reason === "identity-mismatch",
  );
  await assert.rejects(openDispatcher(trust, [], { discovery, identity: undefined }), {
    name: "ConfigurationError",
  });
});

Deno.test("a dispatcher with credentials speaks to nobody unproven, whatever address is announced", async () => {
  const trust = new Trust();
  const folder = await Deno.makeTempDir();
  const inMemory = `memory:${crypto.randomUUID()}`;
  try {
    await using open = await WorkerServer.start({
      routines: { add },
      listen: ["127.0.0.1:0", `unix:${folder}/open.sock`, inMemory],
    });
    using events = open.events();
    for (const address of open.addresses) {
      await using dispatcher = await openDispatcher(trust, [], {
        discovery: announcing({ address }),
      });
      await assert.rejects(
        dispatcher.call(add, [1, 2]),
        (error) => error instanceof HandshakeError || error instanceof ConfigurationError,
        address,
      );
    }
    // Nobody was served before the sockets' listeners had refused what is no plaintext.
    const { value: first } = await events.next();
    assert.equal(first?.type, "handshake.refused");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
