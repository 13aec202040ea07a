/** Headers of a caller's own that cannot be sent. */
import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { routine } from "../../src/contract/mod.ts";
import { ConfigurationError, InvalidPayload } from "../../src/errors/mod.ts";
import { inMemory } from "../../src/testing/mod.ts";
import { echoService } from "../support/echo.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";

const SECRET = "sk-4f1a0c";
const echo = routine("headers.echo", (text: string) => text);
const items = routine("headers.items", async function* (text: string) {
  yield text;
});

/** Calls of every kind with these headers, each with what it fails with. */
async function failures(headers: Record<string, string>): Promise<Error[]> {
  await using pair = await inMemory({
    routines: [echo, items],
    services: (router) => router.service(EchoService, echoService()),
  });
  const { dispatcher } = pair;
  const clients = [{}, { protocol: "grpc" }, { protocol: "grpc-web" }, { useBinaryFormat: false }]
    .map((choices) => createClient(EchoService, dispatcher.transportFor(choices as object)));
  const calls = [
    async () => await dispatcher.call(echo, ["a"], { headers }),
    async () => await dispatcher.stream(items, ["a"], { headers }).next(),
    ...clients.flatMap((client) => [
      async () => await client.echo({ text: "a" }, { headers }),
      async () => await client.repeat({ count: 1 }, { headers })[Symbol.asyncIterator]().next(),
    ]),
  ];
  const found = await Promise.all(
    calls.map((call) => call().then(() => new Error("it was sent"), (error) => error)),
  );
  // A transport's errors are those of Connect, with ours as their cause.
  return found.map((error, at) => at < 2 ? error : error.cause ?? error);
}

Deno.test("a header that is none is named, and its value is not repeated", async () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [
      { "x-ok": "a", "x-key": `${SECRET}\r\nx: y` },
      /^the header "x-key" has a value that no header/,
    ],
    [{ ":path": SECRET }, /^":path" is not the name of a header$/],
    [{ "": SECRET }, /^"" is not the name of a header$/],
  ];
  for (const [headers, message] of wrong) {
    for (const error of await failures(headers)) {
      assert.ok(error instanceof ConfigurationError, String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(Deno.inspect(error, { depth: 10 }), RegExp(SECRET));
    }
  }
});

Deno.test("headers that a worker does not accept are said to be too large, by how much", async () => {
  for (const error of await failures({ "x-large": "y".repeat(20_000) })) {
    assert.ok(error instanceof InvalidPayload, String(error));
    assert.match(
      error.message,
      /^the header fields of the call, .* take 20\d{3} bytes, and the worker takes .* 16384 bytes$/,
    );
  }
});
