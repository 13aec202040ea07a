/** A name server that lists more workers than are used: what becomes of them, and that calls go on meanwhile. */
import assert from "node:assert/strict";
import { Dispatcher } from "../../src/dispatch/mod.ts";
import { startWorker } from "../e2e/pair.ts";
import * as routines from "../e2e/routines.ts";
import { Trust, WORKER_ID } from "../e2e/trust.ts";
import { TestNameServer } from "../support/name_server.ts";

const NAME = "w";
/** About as many as fit into a response of each kind. */
const IPV4 = 3_800;
const IPV6 = 2_200;

const ALL_OF_THEM = "4976 of the 6000 workers found are not used: limits.maxWorkers is 1024";

/** Lists 6,000 addresses, of which those of IPv4 lead to this machine. */
function list(server: TestNameServer, network: number): void {
  const records = (type: string, count: number, address: (n: number) => string) => ({
    records: Array.from({ length: count }, (_, n) => ({
      type,
      name: NAME,
      ttl: 1,
      data: address(n),
    })),
    truncated: true,
  });
  const v4 = (n: number) => `127.${network}.${n >> 8}.${n & 255}`;
  const v6 = (n: number) => `fd00:${network}::${n.toString(16)}`;
  server.zone.set(`A ${NAME}`, records("A", IPV4, v4));
  server.zone.set(`AAAA ${NAME}`, records("AAAA", IPV6, v6));
}

Deno.test("a dispatcher uses 1,024 of 6,000 addresses, says so, and calls go on while all are replaced", async () => {
  await using server = await TestNameServer.open();
  list(server, 1);
  const trust = new Trust();
  await using worker = await startWorker(trust, { listen: "0.0.0.0:0" });
  const port = worker.address.split(":").at(-1);
  await using dispatcher = await Dispatcher.open({
    discovery: `dns:${NAME}:${port}?ns=${server.address}`,
    credentials: trust.client(),
    identity: WORKER_ID,
  });
  const events = dispatcher.events();
  const call = async () => assert.equal(await dispatcher.call(routines.add, [1, 2]), 3);
  await call();
  for await (const event of events) {
    // The families of addresses come one after the other.
    if (event.type === "discovery.rejected" && event.message.includes(ALL_OF_THEM)) break;
  }
  const listed = (network: number) => {
    const all = dispatcher.workers().map(({ address }) => address);
    return all.length === 1_024 &&
      all.every((one) => one.startsWith(`127.${network}.`) || one.startsWith(`[fd00:${network}:`));
  };
  assert(listed(1));
  list(server, 2);
  // The name server is asked again after a second, the records' time to live; calls go on all the while.
  while (!listed(2)) await call();
  await call();
});
