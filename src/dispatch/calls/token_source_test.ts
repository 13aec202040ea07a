import assert from "node:assert/strict";
import { UnsecuredJWT } from "jose";
import { type IssuedToken, KeptToken } from "./token_source.ts";

Deno.test("KeptToken asks once at a time, keeps a token until near its end, and outlives a failing source", async () => {
  let asked = 0;
  let fails = false;
  const kept = new KeptToken(async () => {
    asked += 1;
    await Promise.resolve();
    if (fails) throw new Error("the issuer is away");
    return { token: `t${asked}`, expiresAt: 1_000_000 * asked };
  });
  assert.deepEqual(await Promise.all([kept.now(0), kept.now(0), kept.now(0)]), ["t1", "t1", "t1"]);
  assert.equal(asked, 1);
  assert.equal(await kept.now(939_999), "t1");
  fails = true;
  assert.equal(await kept.now(940_000), "t1", "it is valid still");
  assert.equal(asked, 2);
  await assert.rejects(async () => await kept.now(1_000_000), /the issuer is away/);
  fails = false;
  assert.equal(await kept.now(1_000_001), "t3");
});

Deno.test("KeptToken reads the end of a JWT, and asks for any other token again", async () => {
  let asked = 0;
  const jwt = new UnsecuredJWT({ exp: 1_000 }).encode();
  const kept = new KeptToken(() => (asked += 1, jwt));
  await kept.now(0);
  await kept.now(900_000);
  assert.equal(asked, 1);
  assert.equal(kept.renewAt, 940_000);
  const opaque = new KeptToken(() => String(asked += 1));
  assert.equal(await opaque.now(0), "2");
  assert.equal(await opaque.now(0), "3");
});

Deno.test("KeptToken waits for no source while what it keeps holds", async () => {
  const asked: PromiseWithResolvers<{ token: string; expiresAt: number }>[] = [];
  const kept = new KeptToken(() => {
    const asking = Promise.withResolvers<{ token: string; expiresAt: number }>();
    asked.push(asking);
    return asking.promise;
  });
  const first = kept.now(0);
  asked[0]!.resolve({ token: "first", expiresAt: 1_000_000 });
  assert.equal(await first, "first");
  // The source does not answer, and is asked once.
  assert.deepEqual([kept.now(940_000), kept.now(999_999)], ["first", "first"]);
  assert.equal(asked.length, 2);
  const ended = kept.now(1_000_000);
  asked[1]!.resolve({ token: "second", expiresAt: 3_000_000 });
  assert.equal(await ended, "second");
  assert.equal(kept.now(1_000_001), "second");
});

Deno.test("KeptToken asks once more where its source has given nothing for a minute", async () => {
  let asked = 0;
  const kept = new KeptToken(() => ++asked === 1 ? new Promise(() => {}) : `t${asked}`);
  const first = Promise.resolve(kept.now(0));
  assert.equal(kept.now(60_000) instanceof Promise, true);
  assert.equal(asked, 1);
  assert.equal(await kept.now(60_001), "t2");
  assert.equal(await Promise.race([first, "waits"]), "waits");
});

Deno.test("KeptToken keeps the token of the last question where an earlier one is answered after it", async () => {
  const late = Promise.withResolvers<IssuedToken>();
  const answers = [late.promise, { token: "new", expiresAt: 1_000_000 }];
  const kept = new KeptToken(() => answers.shift()!);
  const first = kept.now(0);
  assert.equal(await kept.now(60_001), "new");
  late.resolve({ token: "old", expiresAt: 500_000 });
  assert.equal(await first, "old");
  assert.equal(kept.now(60_002), "new");
});

Deno.test("KeptToken says so where its source gives no token", async () => {
  for (const given of [undefined, null, 7, {}, { token: 7 }]) {
    const kept = new KeptToken(() => given as never);
    await assert.rejects(
      async () => await kept.now(),
      /^ConfigurationError: the function given as/,
    );
  }
});

Deno.test("KeptToken keeps nothing of the calls that it gives the token that holds", async () => {
  let asked = 0;
  const given = { token: "first", expiresAt: 1_000_000 };
  const kept = new KeptToken(() => ++asked === 1 ? given : new Promise<never>(() => {}));
  await kept.now(0);
  kept.now(999_998);
  const before = Deno.memoryUsage().heapUsed;
  for (let calls = 0; calls < 400_000; calls++) kept.now(999_999);
  const mebibytes = (Deno.memoryUsage().heapUsed - before) / 2 ** 20;
  assert.ok(mebibytes < 16, `${mebibytes} MiB`);
});

Deno.test("KeptToken asks again for a token whose end is no number", async () => {
  let asked = 0;
  const kept = new KeptToken(() => ({ token: `${++asked}`, expiresAt: NaN }));
  assert.equal(await kept.now(0), "1");
  assert.equal(await kept.now(0), "2");
});
