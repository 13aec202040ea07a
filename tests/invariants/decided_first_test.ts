/**
 * Invariant 5: what is decided about a call is decided before its payload is decoded and before its
 * routine, on every path; and what was decided about is what runs.
 */
import assert from "node:assert/strict";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { routine } from "../../src/contract/mod.ts";
import { CallRequestSchema, DuplexRequestSchema, WorkerService } from "../../src/gen/mod.ts";
import { type HeaderList, headerValue } from "../../src/http2/mod.ts";
import { dialPeer } from "../../src/peer/mod.ts";
import { parseAddress } from "../../src/channel/mod.ts";
import { envelope } from "../../src/rpc/wire/envelope.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { post, rawCall, type RawResponse } from "../support/raw_call.ts";

let ran = 0;
const named = routine("decided.named", () => 1);
const other = routine("decided.other", () => {
  ran += 1;
});

/** One `CallRequest` whose payload is no CBOR: decoding it fails. */
const CALL = create(CallRequestSchema, {
  routine: "decided.other",
  arguments: { encoding: { case: "cbor", value: Uint8Array.of(0xff) } },
});
const BINARY = toBinary(CallRequestSchema, CALL);
const DUPLEX = toBinary(
  DuplexRequestSchema,
  create(DuplexRequestSchema, { message: { case: "call", value: CALL } }),
);
const JSON_TEXT = new TextEncoder().encode(toJsonString(CallRequestSchema, CALL));

const PATHS: readonly (readonly [name: string, method: string, type: string, body: Uint8Array])[] =
  [
    ["Connect, on the fast path", "Call", "application/proto", BINARY],
    ["Connect in JSON", "Call", "application/json", JSON_TEXT],
    ["gRPC, on the fast path", "Call", "application/grpc", envelope(BINARY, 0)],
    ["gRPC-Web", "Call", "application/grpc-web+proto", envelope(BINARY, 0)],
    ["a stream of Connect", "Stream", "application/connect+proto", envelope(BINARY, 0)],
    ["a stream of gRPC", "Stream", "application/grpc+proto", envelope(BINARY, 0)],
    ["a duplex stream of Connect", "Duplex", "application/connect+proto", envelope(DUPLEX, 0)],
    ["a duplex stream of gRPC", "Duplex", "application/grpc+proto", envelope(DUPLEX, 0)],
  ];

for (const at of ["127.0.0.1:0", "unix"]) {
  for (const [name, method, type, body] of PATHS) {
    const where = at === "unix" ? "a unix socket" : "plaintext";
    Deno.test(`${name} over ${where}: a call runs what its header names, or nothing`, async () => {
      await using served = await serve(at);
      const path = `/${WorkerService.typeName}/${method}`;
      const call = async (...header: string[]) => {
        const response = await rawCall(served.connection, post(path, type, ...header), [body])
          .response;
        return textOf(response);
      };
      assert.match(await call("selvage-routine", "decided.named"), /different routines/);
      assert.match(
        await call("selvage-routine", "decided.named", "selvage-routine", "decided.other"),
        /different routines/,
      );
      assert.match(
        await call("selvage-routine", "decided.other", "selvage-routine", "decided.named"),
        /different routines/,
      );
      assert.match(await call("selvage-routine", "decided.absent"), /decided\.absent/);
      // Only what is let in is decoded, which this payload does not survive.
      assert.match(await call("selvage-routine", "decided.other"), /payload of arguments/);
      assert.equal(ran, 0);
    });
  }
}

Deno.test("a call that is not let in is answered before any of its body was sent", async () => {
  await using served = await serve("127.0.0.1:0");
  for (const [, method, type] of PATHS) {
    const fields = post(
      `/${WorkerService.typeName}/${method}`,
      type,
      "selvage-routine",
      "decided.absent",
    );
    const { response } = rawCall(served.connection, fields, [], false);
    assert.match(textOf(await response), /decided\.absent/, `${method} ${type}`);
  }
});

async function serve(at: string) {
  const folder = await Deno.makeTempDir();
  const worker = await WorkerServer.start({
    routines: { named, other },
    listen: at === "unix" ? `unix:${folder}/worker.sock` : at,
  });
  const { connection } = await dialPeer(parseAddress(worker.address), {
    credentials: undefined,
    expected: [],
    worker: { address: worker.address },
  });
  return {
    connection,
    async [Symbol.asyncDispose]() {
      connection.abort(0);
      await worker.drain({ graceMs: 0 });
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Everything a person could read in a response, in whatever protocol; gRPC escapes its messages. */
function textOf({ header, body, trailer }: RawResponse): string {
  const message = (fields: HeaderList) => headerValue(fields, "grpc-message") ?? "";
  return [message(header), new TextDecoder().decode(body), message(trailer)].join("\n")
    .replaceAll("%20", " ");
}
