/**
 * A service that calls workers: its HTTP endpoint answers with what a routine gives. `/livez` and `/readyz` are for
 * probes; it is ready once a worker has proven itself.
 *
 * Settings, from the environment: `SELVAGE_DISCOVER`, `SELVAGE_IDENTITY`, `SELVAGE_CA`, `SELVAGE_CERT`,
 * `SELVAGE_KEY`, or `SELVAGE_SPIFFE_SOCKET` in place of the files, and `SELVAGE_HTTP_PORT` (8080).
 *
 * @module
 */
import { Credentials, Dispatcher, type DispatcherOptions } from "@selvage/runtime";
import { add } from "./routines.ts";

await using dispatcher = await Dispatcher.open({
  discovery: setting("SELVAGE_DISCOVER"),
  identity: setting("SELVAGE_IDENTITY"),
  credentials: credentials(),
  strict: true,
});
const stopping = new AbortController();
const server = Deno.serve({
  hostname: Deno.env.get("SELVAGE_HTTP_HOST") ?? "0.0.0.0",
  port: Number(Deno.env.get("SELVAGE_HTTP_PORT") ?? "8080"),
  signal: stopping.signal,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "caller.listening", port })),
}, async ({ url }) => {
  const { pathname } = new URL(url);
  if (pathname === "/livez") return new Response("ok\n");
  if (pathname === "/readyz") {
    const ready = dispatcher.workers().some(({ state }) => state === "ready");
    return new Response(ready ? "ok\n" : "no worker is ready\n", { status: ready ? 200 : 503 });
  }
  if (pathname !== "/add") return new Response("not found\n", { status: 404 });
  try {
    return Response.json({ sum: await dispatcher.call(add, [1, 2], { timeoutMs: 5_000 }) });
  } catch (error) {
    const name = error instanceof Error ? error.name : "Error";
    return Response.json({ error: name }, { status: 502 });
  }
});
Deno.addSignalListener("SIGTERM", () => stopping.abort());
await server.finished;

function credentials(): DispatcherOptions["credentials"] {
  const socket = Deno.env.get("SELVAGE_SPIFFE_SOCKET");
  if (socket !== undefined) return Credentials.spiffeWorkloadApi({ socket });
  const [ca, cert, key] = ["SELVAGE_CA", "SELVAGE_CERT", "SELVAGE_KEY"].map(setting);
  return Credentials.watchFiles({ ca: ca!, cert: cert!, key: key! });
}

function setting(name: string): string {
  const value = Deno.env.get(name);
  if (value === undefined || value === "") throw new Error(`set ${name}`);
  return value;
}
