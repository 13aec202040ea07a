/** Handlers of services know who calls as routines do: in every protocol, in generators and after an await. */
import assert from "node:assert/strict";
import { createClient, type HandlerContext } from "@connectrpc/connect";
import { routine } from "../../src/contract/mod.ts";
import { jwt } from "../../src/policy/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";
import { servedCall } from "../../src/worker/entry.ts";
import { ALLOWED, openDispatcher, startWorker } from "../e2e/pair.ts";
import { CLIENT_ID, Trust, WORKER_ID } from "../e2e/trust.ts";
import { EchoService } from "../support/gen/selvage/test/v1/echo_pb.ts";
import { Issuer } from "../tokens/issuer.ts";

const answer = routine("known.answer", (n: number) => n + 1);

/** What a handler can say of its call, as text. */
async function reported({ values }: HandlerContext): Promise<string> {
  const call = currentCall();
  assert.equal(values.get(servedCall)?.id, call.id);
  const left = call.deadline! - Date.now();
  assert.ok(left > 0 && left <= 60_000, `${left} ms are left`);
  assert.equal(call.signal.aborted, false);
  assert.notEqual(call.id, "");
  return JSON.stringify([
    call.peer.identity,
    call.claims?.["sub"],
    call.workerId,
    call.tags,
    // What it calls from here is a call of its own.
    await call.dispatcher.call(answer, [1]),
  ]);
}

async function* two() {
  yield {};
  yield {};
}

Deno.test("a service's handler knows its peer, claims, deadline, signal, tags, dispatcher and worker, in every protocol", async () => {
  const trust = new Trust();
  const issuer = await Issuer.create();
  await using worker = await startWorker(trust, {
    routines: [answer],
    id: "knowing",
    // Its handlers call it, too.
    allow: [ALLOWED, WORKER_ID],
    authenticate: jwt({ ...issuer.settings, require: "either" }),
    services: (router) =>
      router.service(EchoService, {
        async echo(_request, context) {
          const before = await reported(context);
          assert.equal(await reported(context), before, "after an await");
          return { text: before };
        },
        async *repeat(_request, context) {
          yield { text: await reported(context) };
          await Promise.resolve();
          yield { text: await reported(context) };
        },
        async *converse(requests, context) {
          for await (const _ of requests) yield { text: await reported(context) };
        },
      }),
  });
  await using dispatcher = await openDispatcher(trust, worker.address, {
    token: await issuer.token({ sub: CLIENT_ID }),
  });
  const expected = JSON.stringify([CLIENT_ID, CLIENT_ID, "knowing", [], 2]);
  const texts = async (answers: AsyncIterable<{ readonly text: string }>) =>
    (await Array.fromAsync(answers)).map(({ text }) => text);
  const options = { timeoutMs: 60_000 };
  for (
    const choices of [
      {},
      { useBinaryFormat: false },
      { protocol: "grpc" },
      { protocol: "grpc-web" },
    ] as const
  ) {
    const client = createClient(EchoService, dispatcher.transportFor(choices));
    const about = JSON.stringify(choices);
    assert.equal((await client.echo({}, options)).text, expected, about);
    assert.deepEqual(await texts(client.repeat({}, options)), [expected, expected], about);
    assert.deepEqual(await texts(client.converse(two(), options)), [expected, expected], about);
  }
});
