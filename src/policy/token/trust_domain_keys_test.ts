import assert from "node:assert/strict";
import { exportJWK, generateKeyPair } from "jose";
import { AuthenticationError } from "../../errors/mod.ts";
import { TrustDomainKeys } from "./trust_domain_keys.ts";

const keyOf = async (kid: string, more: object = {}) => ({
  ...await exportJWK((await generateKeyPair("ES256")).publicKey),
  kid,
  ...more,
});
const ours = await keyOf("a", { use: "jwt-svid" });
const theirs = await keyOf("a");
const SUB = { sub: "spiffe://example.org/client" };
const THEIRS = { sub: "spiffe://partner.test/client" };

/** The keys that may have signed a token of these claims, by their x. */
async function knownFor(keys: TrustDomainKeys, claims: object): Promise<readonly unknown[]> {
  const found = await keys.of(claims as Record<string, unknown>).candidates("ES256", "a", 0);
  return found.map(({ fingerprint }) => JSON.parse(fingerprint).x);
}

Deno.test("TrustDomainKeys lets the keys of a domain vouch for a sub of that domain alone", async () => {
  const keys = new TrustDomainKeys(0);
  keys.take(
    new Map([["example.org", { keys: [ours, await keyOf("x", { use: "x509-svid" })] }], [
      "partner.test",
      { keys: [theirs] },
    ]]),
  );
  assert.deepEqual(await knownFor(keys, SUB), [ours.x]);
  assert.deepEqual(await knownFor(keys, THEIRS), [theirs.x]);
  assert.deepEqual(await knownFor(keys, { sub: "spiffe://other.test/client" }), []);
  const [signer] = await keys.of(SUB).candidates("ES256", "a", 0);
  assert.ok(keys.of(SUB).vouches(signer!.fingerprint, 0));
  assert.ok(!keys.of(THEIRS).vouches(signer!.fingerprint, 0));
  for (const sub of [undefined, "alice", "spiffe://example.org", "spiffe://example.org/a/../b"]) {
    assert.throws(() => keys.of({ sub }), {
      name: "AuthenticationError",
      reason: "token-malformed",
    });
  }
});

Deno.test("TrustDomainKeys forgets what is withdrawn, and keeps the last good keys of a domain", async () => {
  const keys = new TrustDomainKeys(0);
  keys.take(new Map([["example.org", { keys: [ours] }], ["partner.test", { keys: [theirs] }]]));
  const [signer] = await keys.of(SUB).candidates("ES256", "a", 0);
  keys.take(new Map<string, unknown>([["example.org", { keys: "none" }]]));
  assert.deepEqual(await knownFor(keys, SUB), [ours.x]);
  assert.deepEqual(await knownFor(keys, THEIRS), []);
  keys.take(new Map([["example.org", { keys: [] }]]));
  assert.deepEqual(await knownFor(keys, SUB), []);
  assert.ok(!keys.of(SUB).vouches(signer!.fingerprint, 0));
});

Deno.test("TrustDomainKeys lets tokens wait for the first keys, and no longer than its limit", async () => {
  const keys = new TrustDomainKeys(60_000);
  const waiting = knownFor(keys, SUB);
  keys.take(new Map([["example.org", { keys: [ours] }]]));
  assert.deepEqual(await waiting, [ours.x]);
  const error = await knownFor(new TrustDomainKeys(0), SUB).catch((error) => error);
  assert.ok(error instanceof AuthenticationError);
  assert.equal(error.reason, "key-set-unreachable");
});
