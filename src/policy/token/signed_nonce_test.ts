import assert from "node:assert/strict";
import { AuthenticationError, ConfigurationError, Overloaded } from "../../errors/mod.ts";
import type { PresentedCall } from "./authenticator.ts";
import { payloadDigest, signCall, type SignedCall, signedNonce } from "./signed_nonce.ts";

const NOW = 1_900_000_000_000;
const a = { id: "a", key: new Uint8Array(32).fill(1) };
const b = { id: "b", key: new Uint8Array(32).fill(2) };
const digest = payloadDigest({ form: "cbor", bytes: Uint8Array.of(0x82, 1, 2) });
const signed: SignedCall = { workerId: "w1", routine: "math.add", payloadDigest: digest, now: NOW };

function presented(token: string, more: Partial<PresentedCall> = {}): PresentedCall {
  const peer = { names: [], address: "10.0.0.9:1", security: "one-way-tls" as const };
  return { token, routine: "math.add", peer, workerId: "w1", now: NOW, ...more };
}

Deno.test("signedNonce() accepts each signed call once, and gives the digest of its arguments", async () => {
  const { authenticate } = signedNonce({ keys: { a: a.key } });
  const token = signCall(a, signed);
  const verified = await authenticate(presented(token));
  assert.deepEqual(verified, { claims: { sub: "a" }, payloadDigest: digest });
  await assert.rejects(async () => await authenticate(presented(token)), {
    reason: "token-replayed",
  });
});

Deno.test("signedNonce() names what is wrong with a signature", async () => {
  const { authenticate } = signedNonce({ keys: { a: a.key }, windowS: 30 });
  const token = () => signCall(a, signed);
  const cases: readonly (readonly [PresentedCall, string])[] = [
    [presented(token(), { workerId: "w2" }), "token-bad-signature"],
    [presented(token(), { routine: "math.sub" }), "token-bad-signature"],
    [presented(token(), { now: NOW + 30_001 }), "token-expired"],
    [presented(token(), { now: NOW - 30_001 }), "token-not-yet-valid"],
    [presented(signCall(b, signed)), "token-unknown-key"],
    [presented(signCall({ ...b, id: "a" }, signed)), "token-bad-signature"],
    [presented(token().replace(digest, "00".repeat(32))), "token-bad-signature"],
    [presented(signCall(a, { ...signed, payloadDigest: "" })), "token-malformed"],
    [presented("sn1.a"), "token-malformed"],
    [presented("e30.e30.e30"), "token-malformed"],
  ];
  for (const [call, reason] of cases) {
    await assert.rejects(async () => await authenticate(call), (error: unknown) => {
      assert.ok(error instanceof AuthenticationError);
      assert.equal(error.reason, reason);
      return true;
    });
  }
});

Deno.test("signedNonce() accepts no signed call again where the clock is set back", async () => {
  const { authenticate } = signedNonce({ keys: { a: a.key }, windowS: 30 });
  const token = signCall(a, signed);
  await authenticate(presented(token));
  const later = NOW + 60_000;
  await authenticate(presented(signCall(a, { ...signed, now: later }), { now: later }));
  await assert.rejects(async () => await authenticate(presented(token)), {
    reason: "token-expired",
  });
});

Deno.test("signedNonce() accepts no signature from before a worker whose id another may have had", async () => {
  const { authenticate } = signedNonce({ keys: { a: a.key } });
  const at = async (now: number, idSince: number) =>
    await authenticate(presented(signCall(a, { ...signed, now }), { now: NOW + 10, idSince }));
  await assert.rejects(at(NOW - 1, NOW), {
    reason: "token-expired",
    message: /older than the worker/,
  });
  await at(NOW, NOW);
});

Deno.test("signedNonce() bounds its memory by key, and forgets what has ended", async () => {
  const { authenticate } = signedNonce({ keys: { a: a.key, b: b.key }, windowS: 1, maxNonces: 4 });
  const call = async (key: typeof a, now: number) =>
    await authenticate(presented(signCall(key, { ...signed, now }), { now }));
  await call(a, NOW);
  await call(a, NOW);
  await assert.rejects(call(a, NOW), Overloaded);
  await call(b, NOW);
  await call(a, NOW + 1_001);
});

Deno.test("signedNonce() looks through all nonces some times in a window, not with each call that it refuses", async () => {
  const { authenticate } = signedNonce({ keys: { a: a.key }, windowS: 1, maxNonces: 2 });
  const call = async (time: number, now: number) =>
    await authenticate(presented(signCall(a, { ...signed, now: time }), { now }));
  // The clock of the first caller is ahead, that of the second behind: its nonce ends first.
  await call(NOW + 900, NOW);
  await call(NOW - 900, NOW);
  await assert.rejects(call(NOW, NOW + 50), Overloaded);
  await assert.rejects(call(NOW, NOW + 101), Overloaded);
  await call(NOW, NOW + 113);
});

Deno.test("signedNonce() refuses keys that are short, and none", () => {
  for (const keys of [{}, { a: new Uint8Array(31) }, { "a.b": a.key }]) {
    assert.throws(() => signedNonce({ keys }), ConfigurationError);
  }
});
