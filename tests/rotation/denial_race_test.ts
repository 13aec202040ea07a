/** Rotations and denials of one client, while another calls without a pause. */
import assert from "node:assert/strict";
import { credentialsFrom } from "../../src/credentials/credentials.ts";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { certificateShapes, denylistOf, makeAuthorities } from "../support/certificates.ts";
import { materialOf, TurnableSource, WORKER_ID } from "../support/peers.ts";

const ROUNDS = 8;
const authorities = makeAuthorities();
const trusts = [authorities.root];
const workers = certificateShapes(authorities, WORKER_ID);
const steady = certificateShapes(authorities, "spiffe://example.org/client/a").fine();
const denied = certificateShapes(authorities, "spiffe://example.org/client/b").fine();

/** Runs of each call, by its name. */
const ledger = new Map<string, number>();
const run = routine("race.run", (name: string) => {
  ledger.set(name, (ledger.get(name) ?? 0) + 1);
  return name;
});

Deno.test("no call begins of a client that was denied before it was made, no other is lost, and none runs twice", async () => {
  const source = new TurnableSource(materialOf({ certificate: workers.fine(), trusts }));
  await using worker = await WorkerServer.start({
    routines: [run],
    credentials: credentialsFrom(() => Promise.resolve(source)),
    allow: "spiffe://example.org/client/*",
  });
  const open = (certificate: typeof steady) =>
    Dispatcher.open({
      discovery: `static:${worker.address}`,
      credentials: credentialsFrom(() =>
        Promise.resolve(new TurnableSource(materialOf({ certificate, trusts })))
      ),
      identity: WORKER_ID,
    });
  await using a = await open(steady);
  await using b = await open(denied);
  let over = false;
  const load = (async () => {
    let calls = 0;
    for (; !over; calls++) assert.equal(await a.call(run, [`a${calls}`], NO_LIMIT), `a${calls}`);
    return calls;
  })();
  for (let round = 0; round < ROUNDS; round++) {
    const [before, after] = [`before${round}`, `after${round}`];
    assert.equal(await b.call(run, [before], NO_LIMIT), before);
    const crossing = b.call(run, [`crossing${round}`], NO_LIMIT).then(() => 1, () => 0);
    const denylist = denylistOf(denied);
    source.turn(materialOf({ certificate: workers.fine(), trusts, denylist }));
    await assert.rejects(b.call(run, [after], NO_LIMIT), { peerReason: "certificate-denied" });
    assert.equal(ledger.has(after), false);
    // A result that crossed with the denial was of a call that ran.
    assert.ok(await crossing <= (ledger.get(`crossing${round}`) ?? 0));
    source.turn(materialOf({ certificate: workers.fine(), trusts }));
  }
  over = true;
  const calls = await load;
  for (let call = 0; call < calls; call++) assert.equal(ledger.get(`a${call}`), 1);
  for (const [name, runs] of ledger) assert.equal(runs, 1, name);
});

const NO_LIMIT = { timeoutMs: 0 } as const;
