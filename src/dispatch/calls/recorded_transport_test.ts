import assert from "node:assert/strict";
import type { Transport } from "@connectrpc/connect";
import type { CallRecords } from "../../observe/mod.ts";
import { EchoService } from "../../../tests/support/gen/selvage/test/v1/echo_pb.ts";
import { recordedTransport } from "./recorded_transport.ts";

const { repeat } = EchoService.method;

/** A stream without a message, what its transport was given to end it, and what was recorded of it. */
async function stream() {
  const recorded: string[] = [];
  const record = {
    succeeded: () => recorded.push("succeeded"),
    failed: () => recorded.push("failed"),
    left: () => recorded.push("left"),
  };
  let ending: AbortSignal | undefined;
  const silent = {
    stream(_method: unknown, signal: AbortSignal): Promise<unknown> {
      ending = signal;
      return Promise.resolve({ message: untilAborted(signal) });
    },
  } as unknown as Transport;
  const records = { begin: () => record } as unknown as CallRecords;
  const transport = recordedTransport(silent, records);
  const response = await transport.stream(repeat, undefined, undefined, undefined, noInput());
  return { recorded, ending: ending!, messages: response.message[Symbol.asyncIterator]() };
}

async function* noInput() {}

function untilAborted(signal: AbortSignal): AsyncIterable<never> {
  const next = () =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

Deno.test("a stream whose reader leaves before it asked for a message is ended, and recorded as left", async () => {
  const { recorded, ending, messages } = await stream();
  assert.equal((await messages.return!()).done, true);
  assert.equal(ending.aborted, true);
  await messages.return!();
  assert.deepEqual(recorded, ["left"]);
});

Deno.test("a stream whose reader leaves while it waits for a message is ended, and recorded as left", async () => {
  const { recorded, ending, messages } = await stream();
  const next = messages.next();
  await messages.return!();
  assert.equal((await next).done, true);
  assert.equal(ending.aborted, true);
  assert.deepEqual(recorded, ["left"]);
});
