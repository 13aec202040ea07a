import assert from "node:assert/strict";
import { InvalidPayload } from "../errors/mod.ts";
import { agreeOnRoutine } from "./routine_header.ts";

Deno.test("agreeOnRoutine() passes one name, and a caller without the header", () => {
  agreeOnRoutine("math.add", "math.add");
  agreeOnRoutine(null, "math.add");
  agreeOnRoutine(undefined, "math.add");
});

Deno.test("agreeOnRoutine() refuses a header that names another routine than the message", () => {
  assert.throws(() => agreeOnRoutine("math.add", "admin.drop"), InvalidPayload);
  assert.throws(() => agreeOnRoutine("", "admin.drop"), InvalidPayload);
});
