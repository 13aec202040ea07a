/** Invariant 10: logs, errors and events never carry keys, tokens or payloads. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createClient } from "@connectrpc/connect";
import { configure, reset } from "@logtape/logtape";
import { routine } from "../../src/contract/mod.ts";
import { Credentials } from "../../src/credentials/mod.ts";
import { WorkerService } from "../../src/gen/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { HandTurned, Trust } from "../e2e/trust.ts";

const TOKEN = "token-that-nobody-may-read";
const PAYLOAD = "payload-that-nobody-may-read";

const swallow = routine("secret.swallow", (text: string) => text.length);

Deno.test("no log, event or error shows a key, a token or a payload, whatever goes wrong", async () => {
  const shown: string[] = [];
  const show = (value: unknown) => shown.push(inspect(value, { depth: 8 }));
  await configure({
    sinks: { kept: (record) => void show(record) },
    loggers: [
      { category: "selvage", sinks: ["kept"], lowestLevel: "trace" },
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
    ],
  });
  const trust = new Trust();
  const versions = [trust.worker(), trust.worker(), trust.clientPem(), trust.clientPem()];
  const [first, second, ours, next] = versions as [typeof versions[0], ...typeof versions];
  const workers = new HandTurned(first);
  const callers = new HandTurned(ours!);
  try {
    await using worker = await startWorker(trust, {
      routines: { swallow },
      credentials: workers.credentials,
    });
    await using dispatcher = await openDispatcher(trust, worker.address, {
      credentials: callers.credentials,
      token: TOKEN,
    });
    const events = [worker.events(), dispatcher.events()];
    const failed = async (attempt: Promise<unknown>) =>
      show(await attempt.then(() => assert.fail("it succeeded"), (error) => error));
    assert.equal(await dispatcher.call(swallow, [PAYLOAD]), PAYLOAD.length);
    // Payloads that cannot be written, read, or taken.
    const cycle: unknown[] = [PAYLOAD];
    cycle.push(cycle);
    await failed(dispatcher.call(swallow, cycle as never));
    await failed(dispatcher.call(swallow, [null, PAYLOAD] as never));
    const raw = createClient(WorkerService, dispatcher.transport);
    for (const value of [`["${PAYLOAD}`, `{"${PAYLOAD}":1}`]) {
      const encoding = { case: "json" as const, value };
      await failed(raw.call({ routine: "secret.swallow", arguments: { encoding } }));
    }
    // A token that cannot be sent; credentials that can be, and that cannot.
    await failed(dispatcher.call(swallow, [PAYLOAD], { token: `${TOKEN}\n` }));
    const torn = { ...second!, key: second!.key!.slice(0, -60) };
    for (const bad of [torn, { ...second!, key: first.key! }]) {
      workers.turn(bad);
      await failed(
        Credentials.fromPem(bad).open().then(async (source) => {
          await source[Symbol.asyncDispose]();
          throw new Error("it was opened all the same");
        }),
      );
    }
    workers.turn(second!);
    callers.turn(next!);
    assert.equal(await dispatcher.call(swallow, [PAYLOAD]), PAYLOAD.length);
    // A handshake that fails on either side.
    await using stranger = await openDispatcher(trust, worker.address, {
      credentials: new Trust().client(),
      token: TOKEN,
    });
    await failed(stranger.call(swallow, [PAYLOAD]));
    await using denied = await openDispatcher(trust, worker.address, {
      credentials: trust.client("spiffe://example.org/elsewhere"),
      token: TOKEN,
    });
    await failed(denied.call(swallow, [PAYLOAD]));
    for (const value of [worker, dispatcher, workers.credentials, dispatcher.workers()]) {
      show(value);
    }
    for (const stream of events) {
      stream.end();
      for await (const event of stream) show(event);
    }
  } finally {
    await reset();
  }
  const all = shown.join("\n");
  assert.match(all, /credentials\.rotated/);
  assert.match(all, /handshake\.refused/);
  for (const secret of [TOKEN, PAYLOAD, "PRIVATE KEY", ...versions.flatMap(keyLines)]) {
    assert.equal(all.includes(secret), false, `${secret} is shown`);
  }
});

/** The lines of a private key, each long enough to be no chance. */
function keyLines({ key = "" }: { readonly key?: string }): string[] {
  return key.split("\n").filter((line) => line.length >= 40 && !line.startsWith("-"));
}
