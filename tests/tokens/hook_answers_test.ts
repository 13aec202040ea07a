import assert from "node:assert/strict";
import { routine } from "../../src/contract/mod.ts";
import { AuthenticationError } from "../../src/errors/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";

const echo = routine("hooks.echo", (text: string) => text);

/** What a call comes to whose token the hook answers with `answer`. */
async function called(answer: unknown): Promise<unknown> {
  await using pair = await inMemory({
    routines: [echo],
    as: "spiffe://example.org/client/a",
    authenticate: () => answer as never,
    dispatching: { token: "a-token" },
  });
  return await pair.dispatcher.call(echo, ["a"]).catch((error) => error);
}

Deno.test("an authenticate hook accepts a token only with claims, and with an end that is a time", async () => {
  const claims = { sub: "a" };
  const soon = Date.now() + 60_000;
  for (const answer of [{ claims }, { claims, expiresAt: soon }, { claims, expiresAt: Infinity }]) {
    assert.equal(await called(answer), "a");
  }
  const ends = [NaN, 1n, "tomorrow", String(soon), null, new Date(soon)].map((expiresAt) => ({
    claims,
    expiresAt,
  }));
  for (const answer of [undefined, null, true, "yes", {}, { claims: null }, ...ends]) {
    assert.ok(await called(answer) instanceof AuthenticationError, Deno.inspect(answer));
  }
});
