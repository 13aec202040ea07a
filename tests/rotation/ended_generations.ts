/** Rotates a listener many times and prints what each rotation left in memory, in bytes of heap. */
import {
  callOnce,
  CLIENT_ID,
  dialAs,
  listenAs,
  materialOf,
  TurnableSource,
  WORKER_ID,
} from "../support/peers.ts";
import { certificateShapes, makeAuthorities } from "../support/certificates.ts";

const ROTATIONS = 120;

const authorities = makeAuthorities();
const trusts = [authorities.root];
const worker = certificateShapes(authorities, WORKER_ID);
const client = { certificate: certificateShapes(authorities, CLIENT_ID).fine(), trusts };
const certificates = [worker.fine(), worker.fine()] as const;
const source = new TurnableSource(materialOf({ certificate: certificates[0], trusts }));
await using listener = await listenAs(source);

await rotate(ROTATIONS); // what is kept once and for all is there after these
const before = heapBytes();
await rotate(ROTATIONS);
console.log(Math.round((heapBytes() - before) / ROTATIONS));

async function rotate(times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    source.turn(materialOf({ certificate: certificates[turn % 2 === 0 ? 1 : 0], trusts }));
    const peer = await dialAs(client, listener.address);
    await callOnce(peer);
    await peer.connection.shutdown();
  }
}

function heapBytes(): number {
  (globalThis as unknown as { gc(): void }).gc();
  return Deno.memoryUsage().heapUsed;
}
