import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { AuthenticationError, ConfigurationError } from "../../errors/mod.ts";
import type { PresentedCall, PresentingPeer } from "./authenticator.ts";
import { jwt } from "./jwt.ts";
import type { JwtOptions } from "./jwt_options.ts";

const NOW = Date.parse("2030-01-01T00:00:00Z");
const NOW_S = NOW / 1_000;
const FINGERPRINT = "ab".repeat(32);
const THUMBPRINT = Uint8Array.fromHex(FINGERPRINT).toBase64({
  alphabet: "base64url",
  omitPadding: true,
});

const pair = await generateKeyPair("ES256", { extractable: true });
const other = await generateKeyPair("ES256", { extractable: true });
const rsa = await generateKeyPair("RS256", { extractable: true });
const jwk = { ...await exportJWK(pair.publicKey), kid: "k1" };
const rsaJwk = { ...await exportJWK(rsa.publicKey), kid: "r1" };
const settings: JwtOptions = {
  issuer: "https://issuer.example",
  audience: "spiffe://example.org/worker",
  jwks: { keys: [jwk, rsaJwk] },
  clockToleranceS: 0,
};
const claims: JWTPayload = {
  iss: "https://issuer.example",
  aud: "spiffe://example.org/worker",
  sub: "alice",
  exp: NOW_S + 60,
};
const stranger: PresentingPeer = { names: [], address: "10.0.0.9:1", security: "one-way-tls" };

function sign(payload: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k1", ...header })
    .sign(pair.privateKey);
}

function presented(token: string, more: Partial<PresentedCall> = {}): PresentedCall {
  return { token, routine: "math.add", peer: stranger, workerId: "w1", now: NOW, ...more };
}

async function reasonFor(
  token: string,
  options: Partial<JwtOptions> = {},
  more: Partial<PresentedCall> = {},
): Promise<string> {
  try {
    await jwt({ ...settings, ...options }).authenticate(presented(token, more));
    return "valid";
  } catch (error) {
    assert.ok(error instanceof AuthenticationError, String(error));
    assert.ok(!error.message.includes(token), "the message holds the token");
    return error.reason;
  }
}

Deno.test("jwt() gives the claims of a valid token and its end", async () => {
  const verified = await jwt(settings).authenticate(presented(await sign(claims)));
  assert.deepEqual(verified.claims, claims);
  assert.equal(verified.expiresAt, NOW + 60_000);
  assert.ok(Object.isFrozen(verified.claims));
});

Deno.test("jwt() names what is wrong with a token", async () => {
  const { exp: _, ...endless } = claims;
  const signed = await sign(claims);
  const [header, , signature] = signed.split(".");
  const forgedBody = btoa(JSON.stringify({ ...claims, sub: "root" })).replace(/=+$/, "")
    .replaceAll("+", "-").replaceAll("/", "_");
  const secret = new TextEncoder().encode(JSON.stringify(jwk).padEnd(32));
  const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "k1" })
    .sign(secret);
  const foreign = await new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "k1" })
    .sign(other.privateKey);
  const cases: readonly (readonly [name: string, token: string, reason: string])[] = [
    ["valid", signed, "valid"],
    ["expired", await sign({ ...claims, exp: NOW_S }), "token-expired"],
    ["not yet valid", await sign({ ...claims, nbf: NOW_S + 1 }), "token-not-yet-valid"],
    ["no exp", await sign(endless), "token-malformed"],
    ["exp as text", await sign({ ...claims, exp: "9999999999" as never }), "token-malformed"],
    ["other audience", await sign({ ...claims, aud: "pool-b" }), "token-wrong-audience"],
    ["no audience", await sign({ ...claims, aud: [] }), "token-wrong-audience"],
    [
      "one of several audiences",
      await sign({ ...claims, aud: ["x", claims.aud as string] }),
      "valid",
    ],
    [
      "other issuer",
      await sign({ ...claims, iss: "https://issuer.example/" }),
      "token-wrong-issuer",
    ],
    ["unknown key", await sign(claims, { kid: "k2" }), "token-unknown-key"],
    ["foreign key of the same id", foreign, "token-bad-signature"],
    ["claims replaced", `${header}.${forgedBody}.${signature}`, "token-bad-signature"],
    ["signature cut off", `${header}.${signed.split(".")[1]}.`, "token-bad-signature"],
    ["none", new UnsecuredJWT(claims).encode(), "token-bad-signature"],
    ["symmetric by the public key", confused, "token-bad-signature"],
    ["another kind of key", await sign(claims, { kid: "r1" }), "token-unknown-key"],
    ["another type", await sign(claims, { typ: "logout+jwt" }), "token-invalid"],
    ["an access token", await sign(claims, { typ: "application/at+jwt" }), "valid"],
    ["not a token", "opaque", "token-malformed"],
    ["encrypted form", "a.b.c.d.e", "token-malformed"],
    ["too long", `${"a".repeat(16_000)}.b.c`, "token-malformed"],
    [
      "bound to another",
      await sign({ ...claims, cnf: { "x5t#S256": THUMBPRINT } }),
      "token-not-bound",
    ],
    ["another proof", await sign({ ...claims, cnf: { jkt: "x" } }), "token-not-bound"],
  ];
  for (const [name, token, reason] of cases) {
    assert.equal(await reasonFor(token), reason, name);
  }
});

Deno.test("jwt() takes keys from the settings alone, whatever keys a token brings or names", async () => {
  const foreign = { ...await exportJWK(other.publicKey), kid: "k1" };
  // UAA of Cloud Foundry, and XSUAA of SAP, write "jku" into every token.
  for (
    const header of [
      { jku: "https://uaa.example/token_keys" },
      { x5u: "https://x.example" },
      { x5c: ["AA=="] },
      { jwk: foreign },
    ]
  ) {
    const [member] = Object.keys(header);
    assert.equal(await reasonFor(await sign(claims, header)), "valid", member);
    const forged = (kid: string) =>
      new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid, ...header }).sign(
        other.privateKey,
      );
    assert.equal(await reasonFor(await forged("k1")), "token-bad-signature", member);
    assert.equal(await reasonFor(await forged("k2")), "token-unknown-key", member);
  }
});

Deno.test("jwt() tries the few keys that a token without a key id may be signed by", async () => {
  const named = (kid: string, key = jwk) => ({ ...key, kid });
  const before = named("before", { ...await exportJWK(other.publicKey), kid: "" });
  // As AD FS signs while it changes its keys.
  const token = await sign(claims, { kid: undefined });
  const of = (...keys: Record<string, unknown>[]) => reasonFor(token, { jwks: { keys } });
  assert.equal(await of(before, named("after")), "valid");
  assert.equal(await of(before, named("other", before)), "token-bad-signature");
  assert.equal(await of(rsaJwk), "token-unknown-key");
  const many = Array.from({ length: 4 }, (_, n) => named(`${n}`, before));
  assert.equal(await of(...many, jwk), "token-unknown-key");
});

Deno.test("jwt() says which of audience and issuer a token does not name at all", async () => {
  for (const [claim, what] of [["aud", "audience"], ["iss", "issuer"]] as const) {
    const { [claim]: _, ...without } = claims;
    const token = await sign(without);
    await assert.rejects(
      async () => await jwt(settings).authenticate(presented(token)),
      { message: `the token names no ${what} ("${claim}")` },
    );
  }
});

Deno.test("jwt() refuses claims and headers of types that they must not have, and keeps to the second at the edges of time", async () => {
  const of = (more: Record<string, unknown>, header = {}) =>
    sign({ ...claims, ...more } as JWTPayload, header);
  const cases: readonly (readonly [name: string, token: Promise<string>, reason: string])[] = [
    ["aud as a number", of({ aud: 1 }), "token-wrong-audience"],
    ["aud as an object", of({ aud: { [claims.aud as string]: true } }), "token-wrong-audience"],
    ["aud in a list of lists", of({ aud: [[claims.aud]] }), "token-wrong-audience"],
    ["aud with more behind it", of({ aud: `${claims.aud}/x` }), "token-wrong-audience"],
    ["aud in another case", of({ aud: `${claims.aud}`.toUpperCase() }), "token-wrong-audience"],
    ["iss in a list", of({ iss: [claims.iss] }), "token-wrong-issuer"],
    ["iss as an object", of({ iss: { toString: claims.iss } }), "token-wrong-issuer"],
    ["nbf as text", of({ nbf: "0" }), "token-malformed"],
    ["iat as text", of({ iat: "0" }), "token-malformed"],
    ["exp as a list", of({ exp: [NOW_S + 60] }), "token-malformed"],
    ["exp of null", of({ exp: null }), "token-malformed"],
    ["exp below zero", of({ exp: -1 }), "token-expired"],
    ["cnf of null", of({ cnf: null }), "token-not-bound"],
    ["cnf as text", of({ cnf: THUMBPRINT }), "token-not-bound"],
    ["cnf as a list", of({ cnf: [{ "x5t#S256": THUMBPRINT }] }), "token-not-bound"],
    ["cnf of two proofs", of({ cnf: { "x5t#S256": THUMBPRINT, jkt: "x" } }), "token-not-bound"],
    ["ends in this second", of({ exp: NOW_S }), "token-expired"],
    ["ends in the next", of({ exp: NOW_S + 1 }), "valid"],
    ["begins in this second", of({ nbf: NOW_S }), "valid"],
    ["begins in the next", of({ nbf: NOW_S + 1 }), "token-not-yet-valid"],
    ["never ends", of({ exp: 1e308 }), "valid"],
  ];
  for (const [name, token, reason] of cases) {
    assert.equal(await reasonFor(await token), reason, name);
  }
  // A header that no library writes: it is refused before the signature is looked at.
  const [, body, signature] = (await sign(claims)).split(".");
  const headers: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ alg: ["ES256"], kid: "k1" }, "token-malformed"],
    [{ alg: "es256", kid: "k1" }, "token-bad-signature"],
    [{ alg: "constructor", kid: "k1" }, "token-bad-signature"],
    [{ alg: "ES256", kid: 1 }, "token-malformed"],
    [{ alg: "ES256", kid: "k1\0" }, "token-unknown-key"],
    [{ alg: "ES256", kid: "../k1" }, "token-unknown-key"],
    [{ alg: "ES256", kid: "__proto__" }, "token-unknown-key"],
    [{ alg: "RS256", kid: "k1" }, "token-unknown-key"],
    [{ alg: "RS256", kid: "r1" }, "token-bad-signature"],
    [{ alg: "ES256", kid: "k1", typ: ["JWT"] }, "token-malformed"],
    [{ alg: "ES256", kid: "k1", crit: [] }, "token-malformed"],
    [{ alg: "ES256", kid: "k1", crit: ["b64"], b64: false }, "token-malformed"],
    [{ kid: "k1" }, "token-malformed"],
  ];
  for (const [header, reason] of headers) {
    const written = new TextEncoder().encode(JSON.stringify(header))
      .toBase64({ alphabet: "base64url", omitPadding: true });
    assert.equal(
      await reasonFor(`${written}.${body}.${signature}`),
      reason,
      JSON.stringify(header),
    );
  }
});

Deno.test("a key set leaves out keys of kinds that it does not know, whatever they are called", async () => {
  const odd = ["constructor", "__proto__", "oct", "", 1, null].map((kty) => ({ ...jwk, kty }));
  const jwks = { keys: [...odd, null, "x", [], jwk] } as unknown as JwtOptions["jwks"];
  assert.equal(await reasonFor(await sign(claims), { jwks }), "valid");
});

Deno.test("jwt() takes algorithms that are listed and tolerates clocks as far as its options say", async () => {
  const signed = await sign({ ...claims, exp: NOW_S - 5 });
  assert.equal(await reasonFor(signed, { clockToleranceS: 10 }), "valid");
  assert.equal(
    await reasonFor(await sign(claims), { algorithms: ["RS256"] }),
    "token-bad-signature",
  );
});

Deno.test('jwt() with require: "both" wants the token bound by cnf or sub', async () => {
  const both = { require: "both" } as const;
  const name = "spiffe://example.org/client/a";
  const peer = { ...stranger, identity: name, names: [name], fingerprint: FINGERPRINT };
  const cases: readonly (readonly [JWTPayload, string])[] = [
    [claims, "token-not-bound"],
    [{ ...claims, sub: name }, "valid"],
    [{ ...claims, sub: `${name}/b` }, "token-not-bound"],
    [{ ...claims, cnf: { "x5t#S256": THUMBPRINT } }, "valid"],
    // A binding that does not hold is not made good by the subject.
    [{ ...claims, sub: name, cnf: { "x5t#S256": "AAAA" } }, "token-not-bound"],
  ];
  for (const [payload, reason] of cases) {
    assert.equal(
      await reasonFor(await sign(payload), both, { peer }),
      reason,
      JSON.stringify(payload),
    );
  }
});

Deno.test("jwt() answers from memory until the token ends, for the same certificate alone", async () => {
  const authenticator = jwt({ ...settings, require: "both" });
  const token = await sign({ ...claims, cnf: { "x5t#S256": THUMBPRINT } });
  const peer = { ...stranger, names: ["dns:a"], fingerprint: FINGERPRINT };
  const ask = (more: Partial<PresentedCall>) =>
    authenticator.authenticate(presented(token, { peer, ...more }));
  assert.ok(ask({}) instanceof Promise);
  await ask({});
  assert.ok(!(ask({}) instanceof Promise), "a verified token is not verified again");
  await assert.rejects(async () => await ask({ peer: { ...peer, fingerprint: "cd".repeat(32) } }), {
    reason: "token-not-bound",
  });
  await assert.rejects(async () => await ask({ now: NOW + 60_000 }), { reason: "token-expired" });
});

Deno.test("jwt() refuses settings that leave open whom to trust", () => {
  const without = (key: keyof JwtOptions, value?: unknown) => ({ ...settings, [key]: value });
  const wrong = [
    without("issuer"),
    without("audience"),
    without("audience", [""]),
    without("jwks"),
    without("jwks", "http://127.0.0.1/keys"),
    without("jwks", { keys: [] }),
    without("jwks", { keys: [{ kty: "oct", k: "AAAA" }] }),
    without("algorithms", ["HS256"]),
    without("algorithms", []),
    without("clockToleranceS", 301),
  ];
  for (const options of wrong) {
    assert.throws(() => jwt(options as JwtOptions), ConfigurationError, JSON.stringify(options));
  }
  assert.throws(() => jwt({ ...settings, jwks: "keys.json" }), {
    message: 'jwks: "keys.json" is not a URL; write an https or file URL, { file: PATH } or a ' +
      "JSON Web Key Set",
  });
});

Deno.test("jwt() answers from memory for the same names alone, of peers without a certificate", async () => {
  const authenticator = jwt({ ...settings, require: "both" });
  const token = await sign({ ...claims, sub: "a" });
  const ask = (name: string) =>
    authenticator.authenticate(
      presented(token, { peer: { ...stranger, identity: name, names: [name] } }),
    );
  await ask("dns:a");
  assert.ok(!(ask("dns:a") instanceof Promise));
  await assert.rejects(async () => await ask("dns:b"), { reason: "token-not-bound" });
});
