import assert from "node:assert/strict";
import { manyAuthorities } from "../many_authorities.ts";
import { testWithTool } from "../tool.ts";
import { go, goProgram } from "./go_program.ts";

for (const { name, start, client } of manyAuthorities) {
  testWithTool(go, `Go calls a worker that trusts ${name}`, async () => {
    await using served = await start();
    await using caller = await goProgram("httpclient", client(served));
    const { status, body } = await caller.ask<{ status: number; body: { text: string } }>("unary", {
      text: "hello",
    });
    assert.deepEqual([status, body.text], [200, "hello"]);
  });
}
