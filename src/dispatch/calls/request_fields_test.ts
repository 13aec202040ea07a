import assert from "node:assert/strict";
import { ConfigurationError, InvalidPayload } from "../../errors/mod.ts";
import type { Link } from "../endpoint/link.ts";
import { headerFields, TokenFields } from "./request_fields.ts";

/** As a call asks for it: what is thrown is a rejection there. */
const tokenField = async (token: string, link: Link) => await new TokenFields().field(token, link);

const over = (security: Link["security"], peerMaxHeaderListBytes = Infinity) =>
  ({ security, connection: { peerMaxHeaderListBytes } }) as Link;

Deno.test("headerFields() gives names in lower case, as HTTP/2 has them", () => {
  assert.deepEqual(headerFields({ "X-Tenant": "seven" }), ["x-tenant", "seven"]);
});

Deno.test("headerFields() refuses what is no header and what the call itself says", () => {
  const refused = [
    { "a b": "c" },
    { a: "b\r\nc: d" },
    { ":path": "/" },
    { "Content-Type": "x" },
    {
      "selvage-routine": "other",
    },
    { authorization: "x" },
    { te: "trailers" },
  ];
  for (const headers of refused) {
    assert.throws(
      () => headerFields(headers as unknown as Record<string, string>),
      ConfigurationError,
      JSON.stringify(headers),
    );
  }
});

Deno.test("TokenFields.field() sends a token over TLS and in memory, never over plaintext", async () => {
  for (const security of ["mutual-tls", "one-way-tls", "memory"] as const) {
    assert.deepEqual(await tokenField("abc", over(security)), ["authorization", "Bearer abc"]);
  }
  await assert.rejects(tokenField("abc", over("plaintext")), ConfigurationError);
});

Deno.test("TokenFields.field() refuses a token that is blank or would break the header", async () => {
  for (const token of ["", " ", "a\nb", "a b"]) {
    await assert.rejects(tokenField(token, over("mutual-tls")), ConfigurationError);
  }
});

Deno.test("TokenFields.field() refuses a token that does not fit into what the worker takes, naming the limit", async () => {
  const token = "a".repeat(16_384);
  await assert.rejects(tokenField(token, over("mutual-tls", 16_384)), (error: unknown) => {
    assert.ok(error instanceof InvalidPayload);
    assert.match(error.message, /16384 bytes/);
    return true;
  });
});

Deno.test("TokenFields.field() gives the same list for the same token, whichever worker it goes to", async () => {
  const tokens = new TokenFields();
  const [one, other] = [over("mutual-tls"), over("one-way-tls")];
  const field = await tokens.field("abc", one);
  assert.equal(await tokens.field("abc", one), field);
  assert.equal(await tokens.field("abc", other), field);
  assert.deepEqual(await tokens.field("def", one), ["authorization", "Bearer def"]);
  assert.throws(() => tokens.field("abc", over("plaintext")), ConfigurationError);
});
