/** Callers that speak nothing but JSON: what they are answered is JSON all through. */
import assert from "node:assert/strict";
import { WorkerService } from "../../src/gen/mod.ts";
import { parseAddress } from "../../src/channel/mod.ts";
import { routine } from "../../src/contract/mod.ts";
import { dialPeer } from "../../src/peer/mod.ts";
import { envelope } from "../../src/rpc/wire/envelope.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { post, rawCall } from "../support/raw_call.ts";

const DATA = { code: 7 };
const refuse = (): never => {
  throw Object.assign(new RangeError("too large"), DATA);
};
const routines = {
  fails: routine("json.fails", () => refuse()),
  breaks: routine("json.breaks", async function* () {
    yield 1;
    refuse();
  }),
};

/** The method, the type of its body, and how a call is put into one. */
const METHODS: readonly (readonly [string, string, (call: object) => Uint8Array])[] = [
  ["Call", "application/json", (call) => json(call)],
  ["Stream", "application/connect+json", (call) => envelope(json(call), 0)],
  ["Duplex", "application/connect+json", (call) => envelope(json({ call }), 0)],
];

for (const [method, type, body] of METHODS) {
  Deno.test(`what a routine threw reaches a JSON caller of ${method} in JSON, its data too`, async () => {
    await using worker = await WorkerServer.start({ routines });
    const { connection } = await dialPeer(parseAddress(worker.address), {
      credentials: undefined,
      expected: [],
      worker: { address: worker.address },
    });
    const name = method === "Call" ? "json.fails" : "json.breaks";
    const call = { routine: name, arguments: { json: "[]" } };
    const fields = post(`/${WorkerService.typeName}/${method}`, type);
    const { response } = rawCall(connection, fields, [body(call)]);
    const { body: answer } = await response;
    const error = method === "Call" ? parsed(answer) : parsed(lastMessage(answer)).error;
    const [detail] = error.details;
    assert.equal(detail.debug.routine.name, "RangeError");
    assert.deepEqual(JSON.parse(detail.debug.routine.data.json), DATA);
    connection.abort(0);
  });
}

function json(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function parsed(bytes: Uint8Array) {
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** The message in the last envelope of a body. */
function lastMessage(body: Uint8Array): Uint8Array {
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1);
  const rest = body.subarray(5 + length);
  return rest.length === 0 ? body.subarray(5) : lastMessage(rest);
}
