import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { forPerson, readable } from "./log.ts";

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

Deno.test("a line for a person has colours, but where NO_COLOR is set", () => {
  const line = (noColor: boolean) => forPerson(noColor)(record({}));
  assert.match(line(true), / selvage: it failed\n$/);
  assert.deepEqual([false, true].map((noColor) => line(noColor).includes("\u001b")), [true, false]);
});

Deno.test("readable() shows where an error was thrown below its line, and nothing that could break out", () => {
  const format = readable(({ message }) => `${message.join("")}\n`);
  assert.equal(format(record({})), "it failed\n");
  const stack = "Error: a\u001b[31mb\n    at run (file:///a.ts:1:2)\n    at \u001b[2J (b.ts)\nrest";
  assert.equal(
    format(record({ stack })),
    "it failed\n    at run (file:///a.ts:1:2)\n    at \\u001b[2J (b.ts)\n",
  );
});
