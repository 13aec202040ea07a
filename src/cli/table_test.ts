import assert from "node:assert/strict";
import { alignedTable } from "./table.ts";

Deno.test("alignedTable() shows a cell as text, whatever its source", () => {
  assert.deepEqual(
    alignedTable(["WORKER", "STATE"], [["unix:/a\x1b]0;title\x07\nok", "b\u009b"], ["c", "d"]]),
    [
      "WORKER                           STATE",
      "unix:/a\\u001b]0;title\\u0007\\nok  b\\u009b",
      "c                                d",
    ],
  );
});
