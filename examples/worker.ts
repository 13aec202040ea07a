/**
 * A worker in a program of your own, which drains where it is told to end. With the files of `selvage certs` in
 * `pki/`:
 *
 * ```sh
 * deno run -A examples/worker.ts 127.0.0.1:8443
 * ```
 *
 * @module
 */
import { Credentials } from "@selvage/runtime";
import { WorkerServer } from "@selvage/runtime/worker";

const [listen = "127.0.0.1:8443"] = Deno.args;

// `await using` would drain it at the end of this module, which comes at once.
const worker = await WorkerServer.start({
  listen,
  modules: [new URL("./math.ts", import.meta.url)],
  credentials: Credentials.watchFiles({
    ca: "pki/ca.pem",
    cert: "pki/worker.pem",
    key: "pki/worker.key",
  }),
  allow: "spiffe://example.org/client/*",
});
console.log(worker.url);

const stop = () => void worker.drain().then(() => Deno.exit());
for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, stop);
