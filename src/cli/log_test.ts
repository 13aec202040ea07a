import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { readable } from "./log.ts";

function record(properties: Record<string, unknown>): LogRecord {
  return {
    category: ["selvage"],
    level: "error",
    message: ["it failed"],
    rawMessage: "it failed",
    timestamp: 0,
    properties,
  };
}

Deno.test("readable() shows where an error was thrown below its line, and nothing that could break out", () => {
  const format = readable(({ message }) => `${message.join("")}\n`);
  assert.equal(format(record({})), "it failed\n");
  const stack = "Error: a\u001b[31mb\n    at run (file:///a.ts:1:2)\n    at \u001b[2J (b.ts)\nrest";
  assert.equal(
    format(record({ stack })),
    "it failed\n    at run (file:///a.ts:1:2)\n    at \\u001b[2J (b.ts)\n",
  );
});
