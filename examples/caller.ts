/**
 * Calls a worker elsewhere, over mutual TLS. With the files of `selvage certs` in `pki/`:
 *
 * ```sh
 * deno run -A examples/caller.ts 127.0.0.1:8443
 * ```
 *
 * @module
 */
import { Credentials, Dispatcher, HandshakeError } from "@selvage/runtime";
import { add } from "./math.ts";

const [endpoint = "127.0.0.1:8443"] = Deno.args;

await using dispatcher = await Dispatcher.open({
  discovery: `static:${endpoint}`,
  credentials: Credentials.watchFiles({
    ca: "pki/ca.pem",
    cert: "pki/client.pem",
    key: "pki/client.key",
  }),
  identity: "spiffe://example.org/worker",
});

try {
  console.log("1 + 2 =", await dispatcher.call(add, [1, 2], { timeoutMs: 5_000 }));
} catch (error) {
  if (!(error instanceof HandshakeError)) throw error;
  console.error(`${error.reason}: ${error.message}`);
  Deno.exitCode = 1;
}
