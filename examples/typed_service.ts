/**
 * A typed Connect service through a pool: the pool finds the workers, proves who they are and balances among them, and
 * the client is that of the service's own generated code.
 *
 * ```sh
 * deno run -A examples/typed_service.ts static:127.0.0.1:8443
 * ```
 *
 * @module
 */
import { createClient } from "@connectrpc/connect";
import { Credentials, WorkerPool, type WorkerPoolOptions } from "@selvage/runtime";
import { WalletService } from "./credentials_wallet/gen/acme/wallet/v1/wallet_pb.ts";

/** Asks the workers that a pool discovers for a secret. */
export async function secretOf(alias: string, options: WorkerPoolOptions): Promise<Uint8Array> {
  await using pool = await WorkerPool.open(options);
  const wallet = createClient(WalletService, pool.transport);
  const { secret } = await wallet.getCredential({ alias }, { headers: { "wallet-alias": alias } });
  return secret;
}

if (import.meta.main) {
  const [discovery = "static:127.0.0.1:8443"] = Deno.args;
  const secret = await secretOf("report-key", {
    discovery,
    identity: "spiffe://example.org/wallet",
    credentials: Credentials.watchFiles({
      ca: "pki/ca.pem",
      cert: "pki/report.pem",
      key: "pki/report.key",
    }),
  });
  console.log(`${secret.length} bytes`);
}
