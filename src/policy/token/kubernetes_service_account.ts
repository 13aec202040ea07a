import type { JWTPayload } from "jose";
import { insistOnNames, unusable } from "../../errors/mod.ts";
import { type Authenticator, unauthenticated } from "./authenticator.ts";
import { type JwtRules, jwtRules, JwtVerifier, texts } from "./jwt.ts";
import { keysFrom } from "./key_settings.ts";
import type { KubernetesServiceAccountOptions } from "./kubernetes_options.ts";
import { KUBERNETES_NAMES } from "./option_names.ts";
import { remembered } from "./portable.ts";

/** What Kubernetes mounts into a pod for asking its API server. */
const MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Names by which API servers accept tokens, whatever their issuer is called. */
const API_SERVER =
  /^(?:https:\/\/)?kubernetes(?:\.default(?:\.svc(?:\.[a-z0-9.-]+)?)?)?(?::\d+)?\/?$/;

/** A namespace and a name as Kubernetes writes them (RFC 1123 labels, and names of up to 253 characters). */
const ACCOUNT =
  /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?\/(?:\*|[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?)$/;

/**
 * Verifies the projected tokens of Kubernetes service accounts with the keys of the cluster, offline: the API
 * server is asked for its keys alone, never about a token. The token of a pod that was deleted is therefore
 * valid until it ends: an hour after it was issued, unless its volume says otherwise.
 *
 * By default the keys are those of the cluster that the worker runs in, read with the worker's own service
 * account and its mounted CA. `sub` is `system:serviceaccount:NAMESPACE:NAME`.
 *
 * @throws {ConfigurationError} If an option is missing or invalid.
 */
export function kubernetesServiceAccount(options: KubernetesServiceAccountOptions): Authenticator {
  insistOnNames("kubernetesServiceAccount()", options, KUBERNETES_NAMES);
  const { require = "token", serviceAccounts } = options;
  const { jwks, ...known } = options;
  const rules = jwtRules({ ...known, types: ["JWT"] });
  insistOnOwnAudience(rules);
  const accepted = serviceAccounts === undefined ? undefined : acceptedAccounts(serviceAccounts);
  const keys = keysFrom(jwks === undefined ? { ...OF_THIS_CLUSTER, ...known } : { ...known, jwks });
  const check = (claims: JWTPayload) => checkAccount(claims, accepted);
  const verifier = new JwtVerifier({ rules, keysOf: () => keys, require, check });
  return remembered(
    { require, authenticate: (call) => verifier.authenticate(call) },
    { kind: "kubernetes", options },
  );
}

/** How a pod reads the keys of its own cluster. */
export const OF_THIS_CLUSTER = {
  jwks: "https://kubernetes.default.svc/openid/v1/jwks",
  ca: { file: `${MOUNTED}/ca.crt` },
  jwksTokenFile: `${MOUNTED}/token`,
} as const;

function insistOnOwnAudience({ audience, issuer = [] }: JwtRules): void {
  // An API server's own audience is its issuer unless --api-audiences says otherwise.
  const foreign = audience.find((name) => API_SERVER.test(name) || issuer.includes(name));
  if (foreign === undefined) return;
  const what = `audience ${JSON.stringify(foreign)} is the API server's`;
  const remedy =
    "give the workers an audience of their own, and the callers a projected volume with it";
  throw unusable("audience", `${what}; ${remedy}`);
}

function acceptedAccounts(accounts: readonly string[]): ReadonlySet<string> {
  const wrong = texts(accounts, "serviceAccounts").find((account) => !ACCOUNT.test(account));
  if (wrong === undefined) return new Set(accounts);
  throw unusable(
    "serviceAccounts",
    `serviceAccounts takes NAMESPACE/NAME or NAMESPACE/*, not ${JSON.stringify(wrong)}`,
  );
}

/** A token whose `sub` and `kubernetes.io` name different accounts was not made by an API server. */
function checkAccount(claims: JWTPayload, accepted: ReadonlySet<string> | undefined): void {
  const [, namespace, name] = /^system:serviceaccount:([^:/]+):([^:/]+)$/.exec(claims.sub ?? "") ??
    [];
  const bound = claims["kubernetes.io"] as Bound | undefined;
  if (
    namespace === undefined || !ACCOUNT.test(`${namespace}/${name}`) ||
    (bound !== undefined &&
      (bound?.namespace !== namespace || bound.serviceaccount?.name !== name))
  ) {
    throw unauthenticated("token-invalid", "the token is not that of a Kubernetes service account");
  }
  if (accepted === undefined || accepted.has(`${namespace}/${name}`)) return;
  if (accepted.has(`${namespace}/*`)) return;
  throw unauthenticated("token-invalid", "the token's service account is not accepted here");
}

/** The private claim of a token that is bound to a service account. */
interface Bound {
  readonly namespace?: unknown;
  readonly serviceaccount?: { readonly name?: unknown };
}
