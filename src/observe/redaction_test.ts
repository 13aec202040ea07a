import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { redacted } from "./redaction.ts";

Deno.test("redacted() shows plain values, lists and objects of them as they are", () => {
  const event = { type: "a.b", peer: { address: "a:1" }, names: ["x", null], count: 1, ok: true };
  assert.deepEqual(redacted(event), event);
  assert.equal(redacted(undefined), undefined);
  assert.equal(redacted(5n), "5");
});

Deno.test("redacted() names bytes and instances of classes, and does not show them", () => {
  class Credentials {
    readonly pem = "x";
  }
  assert.deepEqual(redacted({ bytes: new Uint8Array([1, 2]), held: new Credentials() }), {
    bytes: "[Uint8Array]",
    held: "[Credentials]",
  });
  assert.equal(redacted(() => "secret"), "[function]");
  assert.equal(redacted(new RangeError("too large")), "RangeError: too large");
});

Deno.test("redacted() shows no key and no token, wherever in a text they stand", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  const publicPem = publicKey.export({ type: "spki", format: "pem" });
  const token = `eyJ${"a".repeat(20)}.${"b".repeat(20)}.${"c".repeat(20)}`;
  const texts = [
    `cannot read ${keyPem} here`,
    keyPem.slice(0, -40),
    `authorization: Bearer ${"t".repeat(30)}`,
    `a token ${token} was sent`,
  ];
  for (const text of texts) {
    const shown = String(redacted(new Error(text)));
    assert.match(shown, /\[redacted\]/);
    for (const secret of [keyPem.split("\n")[1]!, "t".repeat(30), token]) {
      assert.equal(shown.includes(secret), false, shown);
    }
  }
  assert.equal(redacted(publicPem), publicPem);
});

Deno.test("redacted() shows nothing under a name that says it is secret", () => {
  const secrets = { token: "a", keyPem: "b", "x-api-key": "c", Authorization: "d", key: ["e"] };
  assert.ok(Object.values(redacted(secrets) as object).every((value) => value === "[redacted]"));
  const plain = { monkey: "a", tokens: false, keptGeneration: 1, fingerprint: "ff" };
  assert.deepEqual(redacted(plain), plain);
});

Deno.test("redacted() bounds what a line takes, whatever refers to itself", () => {
  const self: Record<string, unknown> = {};
  self["self"] = self;
  assert.ok(JSON.stringify(redacted(self)).length < 200);
  assert.equal((redacted(Array(1_000).fill(1)) as unknown[]).length, 64);
  assert.equal(String(redacted("x".repeat(100_000))).length, 4_096);
});
