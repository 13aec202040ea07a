import assert from "node:assert/strict";
import { selvage } from "./command.ts";
import { inProcess } from "./in_process.ts";

const POLICY = `{
  // Batch jobs compute; administrators do anything.
  "rules": [
    { "name": "admins", "effect": "allow", "claims": { "role": "admin" } },
    { "name": "batch", "effect": "allow", "who": ["spiffe://example.org/batch/*"], "what": ["math.*"] },
  ],
}`;

Deno.test("selvage policy explains decisions, and runs tables of them with least permissions", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const write = async (name: string, text: string) => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      return `${folder}/${name}`;
    };
    const policy = await write("policy.jsonc", `\ufeff${POLICY}`);
    const claims = await write("claims.json", '\ufeff{ "role": "admin" }');
    const check = (as: string, ...more: string[]) =>
      inProcess(["policy", "check", policy, "--as", as, ...more]);

    const allowed = await check("spiffe://example.org/batch/a", "math.add");
    assert.equal(allowed.code, 0, allowed.err);
    assert.deepEqual(JSON.parse(allowed.out), {
      decision: "allow",
      rule: "batch",
      index: 1,
      matched: { who: "spiffe://example.org/batch/*", what: "math.*" },
      passed: [{ rule: "admins", mismatched: ["claims"] }],
    });
    const denied = await check("anonymous", "math.add");
    assert.equal(denied.code, 5);
    assert.equal(JSON.parse(denied.out).rule, "default-deny");
    const byToken = await check("anonymous", "db.drop", "--claims", claims);
    assert.deepEqual([byToken.code, JSON.parse(byToken.out).rule], [0, "admins"]);
    const pattern = await check("spiffe://example.org/batch/*", "math.add");
    assert.equal(pattern.code, 2);
    assert.match(pattern.err, /name one peer, without wildcards/);

    const cases = [
      { as: "spiffe://example.org/batch/a", routine: "math.add", expect: "allow", rule: "batch" },
      { as: "spiffe://example.org/batch/a", routine: "db.drop", expect: "deny" },
      { as: "worker.internal", routine: "db.drop", claims: { role: "admin" }, expect: "allow" },
    ];
    const good = await write("cases.jsonc", JSON.stringify(cases));
    const least = await inProcess(["permissions", "policy", "test", policy, good]);
    const permissions = least.out.trim().split(" ");
    assert.ok(permissions.length > 1 && !permissions.some((flag) => /net|write/.test(flag)));
    const passed = await selvage(["policy", "test", policy, good], { permissions });
    assert.deepEqual([passed.code, JSON.parse(passed.out)], [0, { cases: 3, failed: 0 }]);

    const wrong = [cases[0], { ...cases[1], expect: "allow" }, { ...cases[0], rule: "admins" }];
    const failed = await inProcess([
      "policy",
      "test",
      policy,
      await write("wrong.jsonc", JSON.stringify(wrong)),
    ]);
    assert.equal(failed.code, 5);
    const lines = failed.out.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map((line) => line.case), [2, 3, undefined]);
    assert.deepEqual(lines[2], { cases: 3, failed: 2 });

    for (
      const [text, message] of [
        ["[]", /at least one case/],
        ['[{ "as": "a.b", "routine": "x", "expect": "alow" }]', /case 1 needs `expect`/],
        ['[{ "as": "a.b", "routine": "x", "expect": "deny", "want": 1 }]', /unknown key .*want/],
      ] as const
    ) {
      const bad = await inProcess(["policy", "test", policy, await write("bad.jsonc", text)]);
      assert.equal(bad.code, 2);
      assert.match(bad.err, message);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
