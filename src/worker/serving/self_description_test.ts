import { fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { routine } from "../../contract/mod.ts";
import { DescribeResponseSchema } from "../../gen/mod.ts";
import { RoutineTable } from "../../routine/mod.ts";
import type { RpcRouter } from "../../rpc/mod.ts";
import type { CallAuthorization } from "../admission/authorization.ts";
import type { AdmittedCall } from "../admission/admitted_call.ts";
import type { CallGate } from "../admission/call_gate.ts";
import { SelfDescription } from "./self_description.ts";

const routines = { a: routine("a", () => 1), b: routine("b", { version: "2" }, () => 2) };

Deno.test("SelfDescription says in bytes what it says in a message, also of what has changed since", async () => {
  const gate = { idleSeconds: 0, inFlight: 3 };
  const self = new SelfDescription({ handlers: [] } as unknown as RpcRouter, {
    id: "w",
    table: new RoutineTable([{ origin: "here", exports: routines }]),
    gate: gate as CallGate,
    tags: ["gpu"],
    verifiesTokens: false,
  });
  const admitted = (how: Partial<AdmittedCall> = {}) => how as AdmittedCall;
  const inBytes = async (context: AdmittedCall) => {
    const bytes = await self.describedBytes(new Uint8Array(0), { context } as never);
    return fromBinary(DescribeResponseSchema, bytes);
  };
  for (const [idleSeconds, inFlight] of [[0, 3], [7, 0], [0, 0]] as const) {
    Object.assign(gate, { idleSeconds, inFlight });
    const said = await inBytes(admitted());
    assert.deepEqual(said, await self.described(admitted()));
    assert.equal(said.inFlight, inFlight);
    assert.deepEqual(said.routines.map(({ name, version }) => name + version), ["a", "b2"]);
  }
  const authorization = { allows: (name: string) => name === "b" } as unknown as CallAuthorization;
  const allowed = await inBytes(admitted({ authorization }));
  assert.deepEqual(allowed.routines.map(({ name }) => name), ["b"]);
  assert.deepEqual((await inBytes(admitted({ unproven: true }))).routines, []);
});
