import type { JWTPayload } from "jose";
import { insistOnNames, unusable } from "../../errors/mod.ts";
import { isTrustDomain } from "../../identity/mod.ts";
import { systemClock } from "../../observe/mod.ts";
import { endpointOfEnv, endpointSocket, JwtBundles } from "../../spiffe/mod.ts";
import { type Authenticator, unauthenticated } from "./authenticator.ts";
import { JwtVerifier, rulesOfKeys, texts } from "./jwt.ts";
import type { JwtSvidVerification } from "./jwt_svid_options.ts";
import { JWT_SVID_NAMES } from "./option_names.ts";
import { remembered } from "./portable.ts";
import { TrustDomainKeys, workloadId } from "./trust_domain_keys.ts";
import { present } from "../../values/mod.ts";
import { JWT_ALGORITHMS } from "./compact_jwt.ts";

/** The algorithms of JWT-SVIDs (JWT-SVID §2.1): no others, whatever a bundle holds. */
const ALGORITHMS = JWT_ALGORITHMS.filter((name) => !name.startsWith("Ed"));

/**
 * Verifies JWT-SVIDs by the bundles of the SPIFFE Workload API: the keys of a trust domain vouch for a `sub` of that
 * domain alone. The bundles are followed for as long as the worker runs; while the agent is away, the last ones stay.
 *
 * @throws {ConfigurationError} If an option is missing or invalid, or no socket is known.
 */
export function spiffeJwtSvids(options: JwtSvidVerification): Authenticator {
  insistOnNames("spiffeJwtSvids()", options, JWT_SVID_NAMES);
  const { clock, ...portable } = options;
  const { require = "token", socket, waitMs = 5_000, audience, clockToleranceS } = portable;
  if (!(waitMs >= 0 && waitMs <= 60_000)) {
    throw unusable("waitMs", `waitMs is a number of milliseconds up to 60,000, not ${waitMs}`);
  }
  const rules = rulesOfKeys({
    audience,
    algorithms: ALGORITHMS,
    types: ["JWT", "JOSE"],
    ...present({ clockToleranceS }),
  });
  const domains = options.trustDomains && new Set(checkedDomains(options.trustDomains));
  const endpoint = socket === undefined ? endpointOfEnv() : endpointSocket(socket, "socket");
  const keys = new TrustDomainKeys(waitMs);
  const verifier = new JwtVerifier({
    rules,
    keysOf: (claims) => keys.of(claims()),
    require,
    check: (claims) => checkDomain(claims, domains),
  });
  const onBundles = (bundles: ReadonlyMap<string, unknown>) => keys.take(bundles);
  const authenticator: Authenticator = {
    require,
    authenticate: (call) => verifier.authenticate(call),
    open: () => new JwtBundles({ endpoint, clock: clock ?? systemClock, onBundles }),
  };
  // A clock cannot be sent to another process.
  if (clock !== undefined) return authenticator;
  return remembered(authenticator, {
    kind: "jwt-svid",
    options: { ...portable, socket: endpoint.path },
  });
}

function checkDomain({ sub }: JWTPayload, domains: ReadonlySet<string> | undefined): void {
  const { trustDomain } = workloadId(sub);
  if (domains === undefined || domains.has(trustDomain)) return;
  throw unauthenticated("token-wrong-issuer", "the token's trust domain is not accepted here");
}

function checkedDomains(domains: readonly string[]): readonly string[] {
  const wrong = texts(domains, "trustDomains").find((domain) => !isTrustDomain(domain));
  if (wrong === undefined) return domains;
  throw unusable(
    "trustDomains",
    `trustDomains takes names such as example.org, not ${JSON.stringify(wrong)}`,
  );
}
