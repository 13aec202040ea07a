import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { AuthenticationError, ConfigurationError } from "../../errors/mod.ts";
import { kubernetesServiceAccount } from "./kubernetes_service_account.ts";
import type { KubernetesServiceAccountOptions } from "./kubernetes_options.ts";
import { portableAuthenticator } from "./portable.ts";
import { needsOf, receivedAuthenticator } from "./received.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const ISSUER = "https://kubernetes.default.svc.cluster.local";
const { publicKey, privateKey } = await generateKeyPair("RS256");
const settings: KubernetesServiceAccountOptions = {
  audience: "math-pool",
  issuer: ISSUER,
  jwks: { keys: [{ ...await exportJWK(publicKey), kid: "k1" }] },
};

/** A projected token as an API server makes it: no `typ`, and the private claim of a bound token. */
function projected(claims: JWTPayload = {}): Promise<string> {
  const at = NOW / 1_000;
  return new SignJWT({
    aud: ["math-pool"],
    exp: at + 3_607,
    iat: at,
    iss: ISSUER,
    jti: "8cd61c39-7c5a-4d5b-b2ba-7bdc1a9f5b60",
    "kubernetes.io": {
      namespace: "batch",
      pod: { name: "runner-0", uid: "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
      serviceaccount: { name: "runner", uid: "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" },
    },
    nbf: at,
    sub: "system:serviceaccount:batch:runner",
    ...claims,
  }).setProtectedHeader({ alg: "RS256", kid: "k1" }).sign(privateKey);
}

async function outcomeOf(
  claims: JWTPayload,
  options: Partial<KubernetesServiceAccountOptions> = {},
) {
  const peer = { names: [], address: "10.0.0.9:1", security: "one-way-tls" as const };
  const call = { routine: "math.add", peer, workerId: "w1", now: NOW };
  const { authenticate } = kubernetesServiceAccount({ ...settings, ...options });
  try {
    return (await authenticate({ ...call, token: await projected(claims) })).claims["sub"];
  } catch (error) {
    assert.ok(error instanceof AuthenticationError, String(error));
    return error.reason;
  }
}

Deno.test("kubernetesServiceAccount() takes projected tokens of the cluster for its own audience", async () => {
  const sub = "system:serviceaccount:batch:runner";
  assert.equal(await outcomeOf({}), sub);
  assert.equal(await outcomeOf({ "kubernetes.io": undefined }), sub);
  assert.equal(await outcomeOf({ aud: ISSUER }), "token-wrong-audience");
  assert.equal(await outcomeOf({ iss: "https://other.example" }), "token-wrong-issuer");
  assert.equal(await outcomeOf({ exp: NOW / 1_000 - 31 }), "token-expired");
  for (const wrong of ["alice", "system:serviceaccount:batch", "system:serviceaccount:batch:a/b"]) {
    assert.equal(
      await outcomeOf({ sub: wrong, "kubernetes.io": undefined }),
      "token-invalid",
      wrong,
    );
  }
  assert.equal(await outcomeOf({ sub: "system:serviceaccount:other:runner" }), "token-invalid");
});

Deno.test("kubernetesServiceAccount() takes the service accounts that are named, and no others", async () => {
  const taken = async (...serviceAccounts: string[]) =>
    (await outcomeOf({}, { serviceAccounts })) === "system:serviceaccount:batch:runner";
  assert.ok(await taken("other/runner", "batch/runner"));
  assert.ok(await taken("batch/*"));
  assert.ok(!await taken("batch/runner2", "other/*"));
});

Deno.test("kubernetesServiceAccount() refuses the API server's audience, and settings that are not complete", () => {
  const wrong: readonly Partial<KubernetesServiceAccountOptions>[] = [
    { audience: ISSUER },
    { audience: ["math-pool", "https://kubernetes.default.svc"] },
    { audience: "https://oidc.example", issuer: ["https://oidc.example"] as unknown as string },
    { audience: "kubernetes" },
    { audience: "" },
    { issuer: "" },
    { serviceAccounts: [] },
    { serviceAccounts: ["runner"] },
    { serviceAccounts: ["*/runner"] },
  ];
  for (const options of wrong) {
    const make = () => kubernetesServiceAccount({ ...settings, ...options });
    assert.throws(make, ConfigurationError, JSON.stringify(options));
  }
});

Deno.test("kubernetesServiceAccount() asks the cluster it runs in where no keys are given, and says what that takes", () => {
  const { jwks: _, ...inCluster } = settings;
  const portable = portableAuthenticator(kubernetesServiceAccount(inCluster));
  const mounted = "/var/run/secrets/kubernetes.io/serviceaccount";
  assert.deepEqual(needsOf(portable), {
    sockets: [],
    read: [`${mounted}/ca.crt`, `${mounted}/token`],
    net: ["kubernetes.default.svc:443"],
  });
  assert.equal(receivedAuthenticator(structuredClone(portable!)).require, "token");
});
