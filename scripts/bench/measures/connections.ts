import { Dispatcher } from "../../../mod.ts";
import type { Ground, Pair } from "../ground.ts";
import { heldBytes, survivedBytes } from "../held_bytes.ts";
import { add, held, loopDelay, survived } from "../routines.ts";
import { type Measure, rateOf } from "./measure.ts";

/** New dispatchers, which connect and make one call. */
export const connects: Measure = {
  pair: (ground) => ground.mutual(),
  run: (pair, [atOnce], durationMs, ground) =>
    rateOf(Number(atOnce), durationMs, () => connectAndCall(pair, ground)),
};

async function connectAndCall({ worker }: Pair, ground: Ground): Promise<void> {
  const { credentials, identity } = ground;
  const discovery = `static:${worker.addresses[0]}`;
  await using dispatcher = await Dispatcher.open({ discovery, credentials, identity });
  if (await dispatcher.call(add, [1, 2]) !== 3) throw new Error("a wrong sum");
}

/** What a connection that is over leaves at the worker until the whole heap is collected. */
export const leftAtWorker: Measure = left((pair) => pair.dispatcher.call(survived, []));

/** What a dispatcher and its connection leave here. */
export const leftAtDispatcher: Measure = left(survivedBytes);

/** So many connections, eight at a time; others before, so that code is compiled. */
function left(bytes: (pair: Pair) => number | Promise<number>): Measure {
  return {
    pair: (ground) => ground.mutual(),
    run: async (pair, [connections], _durationMs, ground) => {
      const connect = async (count: number) => {
        let begun = 0;
        await Promise.all(Array.from({ length: 8 }, async () => {
          while (begun++ < count) await connectAndCall(pair, ground);
        }));
      };
      await connect(64);
      await Promise.all([heldBytes(), pair.dispatcher.call(held, [])]);
      const before = await bytes(pair);
      await connect(Number(connections));
      return { count: 0, value: (await bytes(pair) - before) / Number(connections) / 1024 };
    },
  };
}

/** What an idle proven connection keeps at the worker. */
export const memoryOfWorker: Measure = memory("worker");

/** What an idle proven connection and its endpoint keep at the dispatcher. */
export const memoryOfDispatcher: Measure = memory("dispatcher");

/**
 * One dispatcher and a worker that has so many addresses: all of the loopback. Heap and external memory after
 * collections, before and after they connect; a few were connected before, so that code is compiled.
 */
function memory(end: "worker" | "dispatcher"): Measure {
  return {
    pair: (ground) => ground.mutual({ listen: `0.0.0.0:${freePort()}` }),
    run: async ({ worker, dispatcher }, [connections], _durationMs, ground) => {
      const count = Number(connections);
      const bytes = () => end === "worker" ? dispatcher.call(held, []) : heldBytes();
      const port = worker.addresses[0]!.split(":").at(-1);
      const open = async (subnet: number, count: number) => {
        const addresses = Array.from(
          { length: count },
          (_, n) => `127.${subnet}.${Math.floor(n / 250)}.${n % 250 + 1}:${port}`,
        );
        const many = await Dispatcher.open({
          discovery: `static:${addresses.join(",")}`,
          credentials: ground.credentials,
          identity: ground.identity,
        });
        await many.ready({ min: count });
        return many;
      };
      await using _few = await open(1, 64);
      const before = await bytes();
      await using _many = await open(2, count);
      return { count: 0, value: (await bytes() - before) / count / 1024 };
    },
  };
}

/** The port of a listener that was closed again: `0.0.0.0:0` does not tell which it is where it is advertised. */
function freePort(): number {
  using listener = Deno.listen({ port: 0 });
  return listener.addr.port;
}

/** Resident memory of a worker that has done nothing, in a process of its own. */
export const memoryOfIdleWorker: Measure = {
  pair: (ground) => ground.mutual(),
  run: async (_pair, _parts, _durationMs, ground) => {
    await using worker = await ground.start({});
    return { count: 0, value: await residentMiB(worker.pid) };
  },
};

/** Resident memory of a process in MiB; `NaN` where there is no `/proc`. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s*(\d+) kB/.exec(status)?.[1] ?? NaN) / 1024;
}

/** How late the worker's timers are while so many callers call it. */
export const delays: Measure = {
  pair: (ground) => ground.mutual(),
  run: async ({ dispatcher }, [callers], durationMs) => {
    const [value, load] = await Promise.all([
      dispatcher.call(loopDelay, [durationMs]),
      rateOf(Number(callers), durationMs, async () => void await dispatcher.call(add, [1, 2])),
    ]);
    return { count: load.count, value };
  },
};
