/** A worker with limits that the command has no flags for. */
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import type { WorkerSettings } from "./worker_process.ts";

const { pem, allow, limits }: WorkerSettings = JSON.parse(Deno.args[0] ?? "");
const worker = await WorkerServer.start({
  modules: [new URL("./routines.ts", import.meta.url)],
  credentials: Credentials.fromPem(pem),
  allow,
  limits,
});
console.log(JSON.stringify({ address: worker.address }));
