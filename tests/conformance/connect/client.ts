/**
 * The client that Connect's conformance suite tests: our transport on our HTTP/2. Reads the calls to
 * make, makes up to 32 at once, and answers with the result of each.
 *
 * `client.ts DESCRIPTOR-SET [plain]`; `plain` keeps every call off the fast path.
 */
import { connectionTo } from "./client_connections.ts";
import { framedInput, writeFramed } from "./framed_stdio.ts";
import { invoke } from "./invoke.ts";
import { type ClientCompatRequest, type ClientResponseResult, Schema } from "./schema.ts";

const CALLS_AT_ONCE = 32;

const schema = Schema.read();
const plain = Deno.args[1] === "plain";
const calls = new Set<Promise<void>>();
for await (const bytes of framedInput()) {
  const call = make(schema.decode<ClientCompatRequest>("ClientCompatRequest", bytes));
  calls.add(call);
  call.finally(() => calls.delete(call));
  if (calls.size >= CALLS_AT_ONCE) await Promise.race(calls);
}
await Promise.all(calls);
Deno.exit(0);

async function make(request: ClientCompatRequest): Promise<void> {
  let result: { case: "response"; value: ClientResponseResult } | {
    case: "error";
    value: { message: string };
  };
  try {
    const connection = await connectionTo(request);
    result = { case: "response", value: await invoke(schema, request, connection, plain) };
  } catch (error) {
    result = { case: "error", value: { message: String(error) } };
  }
  const response = { testName: request.testName, result };
  writeFramed(schema.encode("ClientCompatResponse", response));
}
