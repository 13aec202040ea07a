import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { setImmediate } from "node:timers";
import { reflectionV1 } from "../../gen/mod.ts";
import { EchoService } from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { answers } from "./reflection.ts";

type Admitted = Parameters<typeof answers>[1];
type Router = Parameters<typeof answers>[2];

const ROUTER = {
  handlers: Object.values(EchoService.method).map((method) => ({ method })),
} as unknown as Router;
const SYMBOL = `${EchoService.typeName}.Echo`;

Deno.test("questions that arrive at once leave others their turns of the event loop", async () => {
  let [turns, isOver] = [0, false];
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const answered = await Array.fromAsync(answers(questions(200, "no.such.Symbol"), {}, ROUTER));
  isOver = true;
  assert.equal(answered.length, 200);
  assert.ok(turns >= 190, `${turns} turns`);
});

Deno.test("a policy that changes changes what is visible on a stream that is open", async () => {
  let allowed = new Set([`${EchoService.typeName}/Echo`]);
  const authorization = { allows: (name: string) => Promise.resolve(allowed.has(name)) };
  const admitted = { authorization } as unknown as Admitted;
  const stream = answers(questions(4, SYMBOL), admitted, ROUTER);
  const next = async () => (await stream.next()).value?.messageResponse.case;
  assert.equal(await next(), "fileDescriptorResponse");
  allowed = new Set([`${EchoService.typeName}/Repeat`]);
  assert.equal(await next(), "errorResponse");
  allowed = new Set();
  assert.equal(await next(), "errorResponse");
  allowed = new Set([`${EchoService.typeName}/Echo`]);
  assert.equal(await next(), "fileDescriptorResponse");
  await stream.return();
});

async function* questions(count: number, symbol: string) {
  for (let at = 0; at < count; at += 1) {
    yield await Promise.resolve(create(reflectionV1.ServerReflectionRequestSchema, {
      messageRequest: { case: "fileContainingSymbol", value: symbol },
    }));
  }
}
