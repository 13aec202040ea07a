import assert from "node:assert/strict";
import { systemClock } from "../../observe/mod.ts";
import { WatchedText } from "./watched_text.ts";

/** Far more than are written within a second. */
const VERSIONS = 500_000;

Deno.test("WatchedText adopts a file that is replaced again and again without a pause", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/denylist.json`;
  let adopted = "0";
  try {
    await Deno.writeTextFile(path, adopted);
    await using _watched = await WatchedText.open({
      path,
      maxBytes: 1024,
      setting: "denylist",
      adopt: (text) => adopted = text,
      reject: (message) => assert.fail(message),
      clock: systemClock,
    });
    for (let version = 1; adopted === "0" && version < VERSIONS; version++) {
      await Deno.writeTextFile(`${path}.new`, String(version));
      await Deno.rename(`${path}.new`, path);
    }
    assert.notEqual(adopted, "0");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "WatchedText says which permission it lacks to read the file, as credentials do",
  permissions: { read: false },
  fn: async () => {
    const opened = WatchedText.open({
      path: "policy.jsonc",
      maxBytes: 1024,
      setting: "policy",
      adopt: () => {},
      reject: () => {},
      clock: systemClock,
    });
    await assert.rejects(
      opened,
      /^ConfigurationError: policy: policy\.jsonc cannot be read: .*--allow-read/,
    );
  },
});
