import assert from "node:assert/strict";
import { jsonLinesFormatter, type LogRecord } from "@logtape/logtape";
import { plain } from "./plain_message.ts";

function record(...message: unknown[]): LogRecord {
  return {
    category: ["selvage", "worker"],
    level: "info",
    message,
    rawMessage: "",
    timestamp: 0,
    properties: { type: "worker.ready" },
  };
}

const messageOf = (...message: unknown[]) =>
  JSON.parse(plain(jsonLinesFormatter)(record(...message))).message;

Deno.test("plain() writes texts and numbers of a message as part of its sentence", () => {
  assert.equal(
    messageOf("worker ", "w1", " is ready at ", "127.0.0.1:1", " after ", 3, " ms"),
    "worker w1 is ready at 127.0.0.1:1 after 3 ms",
  );
});

Deno.test("plain() leaves other values to the formatter", () => {
  assert.equal(messageOf("tags ", ["a", 'b"'], ": ", "w1", ""), `tags ["a","b\\""]: w1`);
});

Deno.test("plain() escapes what a peer's text could leave its line with", () => {
  const forged = 'w1\r\n{"level":"ERROR"}\u001b[2J\u2028\u202e';
  const line = plain(jsonLinesFormatter)(record("worker ", forged, " is ready"));
  assert.equal(line.trimEnd().split(/[\r\n\u2028]/).length, 1);
  assert.equal(
    JSON.parse(line).message,
    'worker w1\\r\\n{"level":"ERROR"}\\u001b[2J\\u2028\\u202e is ready',
  );
});
