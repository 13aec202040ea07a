import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { throughPlainPath } from "../../tests/support/echo.ts";
import { EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import { createTransport } from "./mod.ts";

/** What a handler that passes a call on copies from it: the length of another body. */
const COPIED = { "content-length": "7" };

for (const protocol of ["connect", "grpc"] as const) {
  for (const path of ["fast path", "plain path"] as const) {
    for (const size of [10, 40_000]) {
      Deno.test(`${path}: ${size} bytes over ${protocol} pass with metadata of another call`, async () => {
        const interceptors = path === "fast path" ? [] : [throughPlainPath];
        await using pair = rpcPair((router) => {
          router.service(EchoService, {
            echo: ({ text }, { responseHeader, responseTrailer }) => {
              for (const [name, value] of Object.entries(COPIED)) {
                responseHeader.set(name, value);
                responseTrailer.set(name, value);
              }
              return { text };
            },
          }, interceptors[0] && { interceptors });
        });
        const transport = createTransport({ connection: pair.client, protocol, interceptors });
        const client = createClient(EchoService, transport);
        const text = "x".repeat(size);
        assert.equal((await client.echo({ text }, { headers: COPIED })).text, text);
      });
    }
  }
}
