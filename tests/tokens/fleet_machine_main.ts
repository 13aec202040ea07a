/** Workers in a process of their own, one after another: what to do comes on stdin, what was done goes to stdout. */
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { lines } from "../support/lines.ts";
import type { MachineCommand, MachineReport } from "./fleet_machine.ts";
import * as routines from "./fleet_routines.ts";

const workers = new Map<string, WorkerServer>();
for await (const line of lines(Deno.stdin.readable)) {
  const { id, serve, drain }: MachineCommand = JSON.parse(line);
  let address: string | undefined;
  if (serve !== undefined) {
    const { pem, options } = serve;
    const credentials = pem === undefined ? undefined : Credentials.fromPem(pem);
    const worker = await WorkerServer.start({ routines, ...options, credentials });
    address = worker.address;
    workers.set(address, worker);
    forward(worker);
  }
  if (drain !== undefined) {
    await workers.get(drain)!.drain();
    workers.delete(drain);
  }
  const peers = [...workers.values()].flatMap((worker) => worker.peers());
  const plaintext = peers.filter(({ security }) => security === "plaintext").length;
  report({ done: id, address, plaintext });
}
Deno.exit(0);

async function forward(worker: WorkerServer): Promise<void> {
  const { address } = worker;
  for await (const { type } of worker.events()) report({ event: type, address });
}

function report(message: MachineReport): void {
  console.log(JSON.stringify(message));
}
