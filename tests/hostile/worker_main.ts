/** A worker with limits that the command has no flags for. */
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import type { WorkerSettings } from "./worker_process.ts";

const { trust, tags, listen, limits, module = "./routines.ts" }: WorkerSettings = JSON.parse(
  Deno.args[0] ?? "",
);
const worker = await WorkerServer.start({
  modules: [new URL(module, import.meta.url)],
  ...(trust === undefined
    ? {}
    : { credentials: Credentials.fromPem(trust.pem), allow: trust.allow }),
  listen,
  tags,
  limits,
});
console.log(JSON.stringify({ address: worker.address }));
