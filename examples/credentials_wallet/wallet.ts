/**
 * A control plane that hands secrets to workers, by alias, over the listener that everything else uses: mutual TLS,
 * and a policy per identity and alias. Secrets are held in memory: they come from the environment here, from a vault of
 * yours elsewhere.
 *
 * ```sh
 * WALLET_SECRETS='{"report-key":"…"}' WALLET_GRANTS='{"spiffe://example.org/report":["report-key"]}' \
 *   deno run --allow-net --allow-read --allow-env examples/credentials_wallet/wallet.ts CA CERT KEY
 * ```
 *
 * @module
 */
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Credentials } from "@selvage/runtime";
import { type AuthorizeCall, WorkerServer } from "@selvage/runtime/worker";
import { WalletService } from "./gen/acme/wallet/v1/wallet_pb.ts";

/** The header that names the alias, so that a call is decided about before its message is decoded. */
export const ALIAS_HEADER = "wallet-alias";

/** The aliases that each identity may have. */
export type Grants = Readonly<Record<string, readonly string[]>>;

/** Decides about a call by the caller's proven identity and the alias that it asks for. */
export function mayHave(
  grants: Grants,
  { peer, headers }: AuthorizeCall,
): { allow: boolean; rule: string } {
  const alias = headers.get(ALIAS_HEADER) ?? "";
  const granted = peer.identity === undefined
    ? []
    : Object.hasOwn(grants, peer.identity)
    ? grants[peer.identity]!
    : [];
  return { allow: granted.includes(alias), rule: `grants of ${JSON.stringify(alias)}` };
}

/** The service: it answers what the policy has let through, and nothing else. */
export function wallet(secrets: ReadonlyMap<string, Uint8Array>): (router: ConnectRouter) => void {
  return (router) => {
    router.service(WalletService, {
      getCredential({ alias }, { requestHeader }) {
        // What was decided about has to be what is asked for.
        if (requestHeader.get(ALIAS_HEADER) !== alias) {
          throw new ConnectError(
            `the header ${ALIAS_HEADER} names another alias`,
            Code.InvalidArgument,
          );
        }
        const secret = secrets.get(alias);
        if (secret === undefined) throw new ConnectError("no such alias", Code.NotFound);
        return { secret };
      },
    });
  };
}

if (import.meta.main) {
  const [ca, cert, key] = Deno.args;
  if (ca === undefined || cert === undefined || key === undefined) {
    throw new TypeError("usage: wallet.ts CA CERT KEY");
  }
  const given: Record<string, string> = JSON.parse(Deno.env.get("WALLET_SECRETS") ?? "{}");
  const grants: Grants = JSON.parse(Deno.env.get("WALLET_GRANTS") ?? "{}");
  const secrets = new Map(
    Object.entries(given).map(([alias, text]) => [alias, new TextEncoder().encode(text)]),
  );
  const server = await WorkerServer.start({
    listen: Deno.env.get("WALLET_LISTEN") ?? "127.0.0.1:0",
    services: wallet(secrets),
    credentials: Credentials.watchFiles({ ca, cert, key }),
    allow: Object.keys(grants),
    policy: { authorize: (call) => mayHave(grants, call) },
    strict: true,
  });
  console.log(JSON.stringify({ event: "wallet.ready", address: server.address }));
  Deno.addSignalListener("SIGTERM", () => void server.drain().then(() => Deno.exit(0)));
}
