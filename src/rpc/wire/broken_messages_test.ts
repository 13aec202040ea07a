import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { BrokenMessages } from "./broken_messages.ts";

const HOUR_MS = 3_600_000;

function breakOne(broken: BrokenMessages): Promise<void> {
  return assert.rejects(
    broken.counting(() => Promise.reject(new RangeError("broken"))),
    RangeError,
  );
}

function refuses(broken: BrokenMessages): Promise<void> {
  return assert.rejects(
    broken.counting(() => assert.fail("it was decompressed")),
    (error) => {
      assert.ok(error instanceof ConnectError, String(error));
      assert.equal(error.code, Code.Unimplemented);
      assert.match(error.message, /compressed with "br" is read for now/);
      return true;
    },
  );
}

Deno.test("BrokenMessages decompresses nothing any more where too many are broken, until an hour has passed", async () => {
  let now = 0;
  const broken = new BrokenMessages("br", () => now);
  for (let count = 0; count < 16; count++) {
    assert.equal(await broken.counting(() => Promise.resolve(count)), count);
    await breakOne(broken);
    now += 1000;
  }
  await refuses(broken);
  now = HOUR_MS - 1;
  await refuses(broken);
  // The first one is forgotten, and so is each after it: one more may break.
  now = HOUR_MS;
  assert.equal(await broken.counting(() => Promise.resolve("read")), "read");
  await breakOne(broken);
  await refuses(broken);
});

Deno.test("BrokenMessages decompresses no more at once than may be broken", async () => {
  const broken = new BrokenMessages("br");
  for (let count = 0; count < 10; count++) await breakOne(broken);
  let running = 0;
  let most = 0;
  let decompressed = 0;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, at) =>
      broken.counting(async () => {
        most = Math.max(most, ++running);
        decompressed++;
        await new Promise((done) => setImmediate(done));
        running--;
        // The last ones are broken.
        if (at >= 80) throw new RangeError("broken");
      })),
  );
  assert.equal(most, 6);
  assert.equal(decompressed, 86);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 80);
  await refuses(broken);
});

Deno.test("BrokenMessages counts no message that is too large", async () => {
  const broken = new BrokenMessages("br");
  const tooLarge = new ConnectError("too large", Code.ResourceExhausted);
  for (let count = 0; count < 100; count++) {
    await assert.rejects(broken.counting(() => Promise.reject(tooLarge)), tooLarge);
  }
});
