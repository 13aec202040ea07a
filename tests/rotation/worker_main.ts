/** A worker whose files are watched more eagerly than the command's, for what the command has no flags for. */
import { configure, jsonLinesFormatter } from "@logtape/logtape";
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import type { WorkerSettings } from "./worker_process.ts";

const settings: WorkerSettings = JSON.parse(Deno.args[0] ?? "{}");
const encoder = new TextEncoder();
await configure({
  sinks: {
    stderr: (record) => void Deno.stderr.writeSync(encoder.encode(jsonLinesFormatter(record))),
  },
  loggers: [
    { category: "selvage", sinks: ["stderr"], lowestLevel: "debug" },
    { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
  ],
});
const { allow, denylist, limits } = settings;
const worker = await WorkerServer.start({
  modules: [new URL("./routines.ts", import.meta.url)],
  credentials: Credentials.watchFiles(settings.files),
  allow,
  denylist,
  limits,
});
console.log(JSON.stringify({ address: worker.address }));
