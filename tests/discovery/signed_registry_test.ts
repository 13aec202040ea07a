/** Signed announcements from end to end: a worker, a dispatcher, and between them a registry that others write to. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { routine } from "../../src/contract/mod.ts";
import {
  type DiscoveredWorker,
  type Discovery,
  etcdDiscovery,
  localDiscovery,
} from "../../src/discovery/mod.ts";
import type { Dispatcher } from "../../src/dispatch/mod.ts";
import type { SelvageEvent } from "../../src/observe/mod.ts";
import { openDispatcher, startWorker } from "../e2e/pair.ts";
import { HandTurned, Trust } from "../e2e/trust.ts";
import { selvage, startWorker as startCommand } from "../cli/command.ts";
import { issue } from "../cli/pki.ts";
import { etcdProgram, EtcdServer } from "../support/etcd_server.ts";
import { Watched } from "../support/watched.ts";

const routines = { answer: routine("signed.answer", () => 42) };

/** A registry, and another writer of it. */
interface Registry extends AsyncDisposable {
  readonly discovery: () => Discovery;
  /** Writes an entry of any name and content, over one of that name. */
  put(name: string, entry: object): Promise<void>;
}

async function localRegistry(): Promise<Registry> {
  const root = await Deno.makeTempDir();
  await Deno.chmod(root, 0o700);
  return {
    discovery: () => localDiscovery("pool", { root, refreshMs: 5 }),
    async put(name, entry) {
      const draft = join(root, "pool", `draft-${name}`);
      await Deno.writeTextFile(draft, JSON.stringify(entry));
      await Deno.rename(draft, join(root, "pool", `entry-3600000-${name}.json`));
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function etcdRegistry(): Promise<Registry> {
  const server = await EtcdServer.start();
  const prefix = "selvage/workers/";
  return {
    discovery: () => etcdDiscovery({ endpoints: [server.endpoint], prefix }),
    put: (name, entry) => server.put(prefix + name, JSON.stringify(entry)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const registries = { "local:": localRegistry, "etcd:": etcdRegistry };

for (const [name, open] of Object.entries(registries)) {
  Deno.test({
    name:
      `over ${name}, a dispatcher that demands signed announcements uses the worker's own alone`,
    ignore: name === "etcd:" && etcdProgram === undefined,
    async fn(t) {
      const trust = new Trust();
      const own = new HandTurned(trust.worker());
      await using registry = await open();
      await using worker = await startWorker(trust, {
        routines,
        credentials: own.credentials,
        publish: registry.discovery(),
        id: "w1",
        tags: ["gpu"],
      });
      await using dispatcher = await openDispatcher(trust, worker.address, {
        discovery: registry.discovery(),
        announcements: "signed",
      });
      await using everything = new Watched(registry.discovery());
      const announced = async (was?: string) => {
        const found = () => everything.known.get(worker.address)?.worker;
        await everything.until(() => found() !== undefined && found()!.signed !== was);
        return found()!;
      };
      const first = await announced();

      await t.step("the worker that signed is called", async () => {
        assert.equal(await dispatcher.call(routines.answer, [], { tags: ["gpu"] }), 42);
      });

      await t.step(
        "an unsigned one, and its statement for another address or tags, are rejected",
        async () => {
          const elsewhere = { id: "w2", address: "127.0.0.1:1" };
          for (
            const [entry, why] of [
              [{ ...first, tags: ["gpu", "eu"] }, /tags were changed after it was signed$/],
              [elsewhere, /it is not signed$/],
              [{ ...elsewhere, signed: first.signed }, /signed for another worker$/],
              [{ ...first, address: "127.0.0.1:1" }, /signed for another worker$/],
            ] as const
          ) {
            const { message } = await next(
              dispatcher,
              "discovery.rejected",
              () => registry.put("other", entry),
            );
            assert.match(message, why);
          }
          assert.deepEqual(
            dispatcher.workers().map(({ id }) => id),
            ["w1"],
          );
          assert.equal(await dispatcher.call(routines.answer, []), 42);
        },
      );

      await t.step(
        "a new certificate signs a new one; the one before never wins over it",
        async () => {
          const updated = next(dispatcher, "discovery.updated", () => own.turn(trust.worker()));
          const second = await announced(first.signed);
          await updated;
          assert.notEqual(second.signed?.split(".")[3], first.signed?.split(".")[3], "the chain");
          const { message } = await next(
            dispatcher,
            "discovery.rejected",
            () => registry.put("other", entryOf(first)),
          );
          assert.match(message, /has signed a newer one$/);
          assert.equal(await dispatcher.call(routines.answer, []), 42);
        },
      );

      await t.step("it is gone when the worker leaves", async () => {
        await registry.put("other", { address: "127.0.0.1:1" });
        await next(dispatcher, "discovery.removed", () => worker.drain());
        await assert.rejects(dispatcher.call(routines.answer, []), { name: "NoWorkersAvailable" });
      });
    },
  });
}

Deno.test("selvage worker --publish and call --announcements signed meet over local:, and an unsigned worker is not used", async () => {
  const pki = await issue();
  const runtime = await Deno.makeTempDir();
  const env = { XDG_RUNTIME_DIR: runtime };
  const module = new URL("../cli/routines.ts", import.meta.url).pathname;
  const at = ["--discover", "local:pool", "--identity", "spiffe://x/worker"];
  const signed = [...at, ...pki.flags("client"), "--announcements", "signed", "--timeout", "60000"];
  {
    await using worker = await startCommand(
      [module, ...pki.flags("worker"), "--allow", "*", "--publish", "local:pool"],
      { env },
    );
    const called = await selvage(["call", "cli.add", "[1, 2]", ...signed], { env });
    assert.deepEqual([called.code, called.out.trim()], [0, "3"], called.err);
    worker.kill("SIGTERM");
    assert.equal((await worker.ended).code, 0);
  }
  const entry = join(runtime, "selvage", "pool", "entry-3600000-other.json");
  await Deno.writeTextFile(entry, JSON.stringify({ address: "127.0.0.1:1" }));
  const refused = await selvage(["call", "cli.add", "[1]", ...signed], { env });
  assert.equal(refused.code, 3, refused.err);
  await Deno.remove(runtime, { recursive: true });
});

/** The entry of a worker, as it was written. */
function entryOf({ id, address, tags, signed }: DiscoveredWorker): object {
  return { id, address, tags, signed };
}

/** The next event of a type after something was done. */
async function next<Type extends SelvageEvent["type"]>(
  dispatcher: Dispatcher,
  type: Type,
  cause: () => unknown,
): Promise<SelvageEvent & { readonly type: Type }> {
  using events = dispatcher.events();
  await cause();
  for await (const event of events) {
    if (event.type === type) return event as SelvageEvent & { readonly type: Type };
  }
  throw new Error("the events have ended");
}
