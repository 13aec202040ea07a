import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { systemClock } from "../observe/mod.ts";
import { listenForChannels } from "./listen.ts";
import type { AcceptFailure } from "./listen_options.ts";
import { SocketAdmission, type SocketLimit } from "./socket_admission.ts";

Deno.test("a listener that is full refuses clients, and does not report its own probes as such", async () => {
  const probed = Promise.withResolvers<SocketLimit>();
  const proven = Promise.withResolvers<void>();
  const failures: AcceptFailure[] = [];
  const one = { connectionsPerAddress: 1, connectionsPerIdentity: 1, pendingHandshakes: 1 };
  const admission = new class extends SocketAdmission {
    override admit(address: string | undefined, evict: (limit: SocketLimit) => void) {
      return super.admit(address, (limit) => {
        evict(limit);
        probed.resolve(limit);
      });
    }
  }({ ...one, connections: 1 });
  await using resources = new AsyncDisposableStack();
  const listener = resources.use(
    await listenForChannels({ kind: "tcp", host: "127.0.0.1", port: 0 }, {
      tls: () => undefined,
      handshakeTimeoutMs: 60_000,
      admission,
      clock: systemClock,
      refusesResumption: () => false,
      onChannel: (accepted) => {
        assert.ok(accepted.place.prove("spiffe://x/a"));
        assert.ok(accepted.decide());
        accepted.settle();
        proven.resolve();
      },
      onListening: ({ state }) => assert.equal(state, "listening"),
      onFailure: (failure) => failures.push(failure),
    }),
  );
  const { port } = listener.address as { readonly port: number };
  const client = connect({ host: "127.0.0.1", port });
  resources.defer(() => void client.destroy());
  client.write("x");
  await proven.promise;
  // Nobody else connects: the listener does so itself, after a while.
  assert.equal(await probed.promise, "connections");
  assert.equal(failures.length, 0);
  // Such a client is only missed in the moment in which a probe is under way.
  while (failures[0] === undefined) {
    const refused = connect({ host: "127.0.0.1", port }).on("error", () => {});
    await once(refused, "close");
  }
  assert.equal(failures[0].evictedBy, "connections");
});
