/**
 * Routines that need a secret: they ask the wallet for it when they run, use it and forget it.
 *
 * @module
 */
import { createClient } from "@connectrpc/connect";
import { currentCall } from "@selvage/runtime";
import { routine } from "@selvage/runtime/routine";
import { WalletService } from "./gen/acme/wallet/v1/wallet_pb.ts";
import { ALIAS_HEADER } from "./wallet.ts";

/** Signs a report with the secret of an alias (HMAC with SHA-256, in hexadecimal). */
export const signReport = routine("report.sign", async (report: string, alias: string) => {
  const secret = await credential(alias);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  try {
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
    const text = new TextEncoder().encode(report);
    return new Uint8Array(await crypto.subtle.sign("HMAC", key, text)).toHex();
  } finally {
    secret.fill(0);
  }
});

/** The secret of an alias, from the wallet that this worker's dispatcher has proven. */
async function credential(alias: string): Promise<Uint8Array<ArrayBuffer>> {
  const { dispatcher, signal } = currentCall();
  const wallet = createClient(WalletService, dispatcher.transport);
  const { secret } = await wallet.getCredential(
    { alias },
    { headers: { [ALIAS_HEADER]: alias }, signal },
  );
  return secret as Uint8Array<ArrayBuffer>;
}
