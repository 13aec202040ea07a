/** Times that are longer than a timer of the platform can wait, or than connect-es writes as others read them. */
import assert from "node:assert/strict";
import { createClient, type HandlerContext } from "@connectrpc/connect";
import { enveloped, post, rawCall } from "../../tests/support/raw_call.ts";
import { throughPlainPath } from "../../tests/support/echo.ts";
import { type EchoRequest, EchoService } from "../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { rpcPair } from "../../tests/support/rpc_pair.ts";
import { createTransport } from "./mod.ts";

/** What a client may ask for at most. */
const LONGEST_MS = 2 ** 31 - 1;
const ECHO = "/selvage.test.v1.EchoService/Echo";

/** A service that answers once timers that have fired early would have been noticed. */
function patientPair() {
  async function patiently({ text }: EchoRequest, { signal }: HandlerContext) {
    await new Promise((passed) => setTimeout(passed, 20));
    signal.throwIfAborted();
    return { text };
  }
  return rpcPair((router) =>
    router.service(EchoService, {
      echo: patiently,
      async *repeat(request, context) {
        yield await patiently(request, context);
      },
    })
  );
}

for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
  for (const interceptors of [[], [throughPlainPath]]) {
    const path = interceptors.length === 0 ? "the ordinary path" : "the plain path";
    Deno.test(`${protocol}, ${path}: a call has the longest time, however it is written`, async () => {
      await using pair = patientPair();
      const { client: connection } = pair;
      const client = createClient(
        EchoService,
        createTransport({ connection, protocol, interceptors }),
      );
      for (const timeoutMs of [LONGEST_MS, 100_000_000]) {
        assert.equal((await client.echo({ text: "a" }, { timeoutMs })).text, "a");
        const texts: string[] = [];
        for await (const { text } of client.repeat({ text: "b" }, { timeoutMs })) texts.push(text);
        assert.deepEqual(texts, ["b"]);
      }
    });
  }
}

for (
  const [contentType, field, longest] of [
    ["application/json", "connect-timeout-ms", "9999999999"],
    ["application/proto", "connect-timeout-ms", "9999999999"],
    ["application/grpc+json", "grpc-timeout", "99999999H"],
    ["application/grpc+proto", "grpc-timeout", "99999999H"],
    ["application/grpc-web+json", "grpc-timeout", "99999999H"],
  ] as const
) {
  Deno.test(`${contentType}: a call with the longest ${field} has more than no time`, async () => {
    await using pair = patientPair();
    const message = new TextEncoder().encode(contentType.endsWith("json") ? "{}" : "");
    const body = contentType.includes("grpc") ? enveloped(message) : message;
    const fields = post(ECHO, contentType, field, longest, "te", "trailers");
    const { response } = rawCall(pair.client, fields, body.length === 0 ? [] : [body]);
    const { header, trailer, body: answer } = await response;
    assert.equal(header[1], "200");
    const status = [...trailer, ...header, new TextDecoder().decode(answer)].join(" ");
    assert.doesNotMatch(status, /grpc-status[ :]+[^0 :]/);
  });
}
