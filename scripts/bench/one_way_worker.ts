/** A worker for one-way TLS: its certificate comes on stdin, its address goes to stdout. */
import { Credentials } from "../../mod.ts";
import { WorkerServer } from "../../src/worker/entry.ts";

const { cert, key, nativeTls } = await new Response(Deno.stdin.readable).json();
const worker = await WorkerServer.start({
  credentials: Credentials.fromPem({ cert, key, oneWay: true }),
  nativeTls,
  modules: [new URL("./routines.ts", import.meta.url)],
});
console.log(worker.address);
