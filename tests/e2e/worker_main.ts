/** A worker in a process of its own: what it is to do comes on stdin, what it does goes to stdout. */
import { type CredentialPem, Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { lines } from "../support/lines.ts";
import type { WorkerCommand, WorkerReport, WorkerSettings } from "./worker_process.ts";

const input = lines(Deno.stdin.readable);
const { value: first = "{}" } = await input.next();
const settings: WorkerSettings = JSON.parse(first);
let pem = settings.pem;
const worker = await WorkerServer.start({
  modules: [new URL("./routines.ts", import.meta.url)],
  ...settings.options,
  credentials: pem === undefined
    ? undefined
    : settings.options?.nativeTls === true
    ? Credentials.fromPem(pem)
    : Credentials.provider(() => pem as CredentialPem, { refreshMs: 25 }),
});
const events = worker.events();
report({
  ready: {
    address: worker.address,
    addresses: worker.addresses,
    id: worker.id,
    healthAddress: worker.healthAddress,
  },
});
(async () => {
  for await (const event of events) report({ event });
})();
for await (const line of input) {
  const command: WorkerCommand = JSON.parse(line);
  if (command.renew !== undefined) pem = command.renew;
  if (command.drain !== undefined) await worker.drain({ graceMs: command.drain });
}
await worker.drain({ graceMs: 0 });
Deno.exit(0);

function report(report: WorkerReport): void {
  console.log(JSON.stringify(report));
}
