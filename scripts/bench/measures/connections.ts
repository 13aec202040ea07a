import { Dispatcher } from "../../../mod.ts";
import { heldBytes } from "../held_bytes.ts";
import { add, held, loopDelay } from "../routines.ts";
import { type Measure, rateOf } from "./measure.ts";

/** New dispatchers, which connect and make one call. */
export const connects: Measure = {
  pair: (ground) => ground.mutual(),
  run: ({ worker }, [atOnce], durationMs, { credentials, identity }) => {
    const [address] = worker.addresses;
    return rateOf(Number(atOnce), durationMs, async () => {
      await using dispatcher = await Dispatcher.open({
        discovery: `static:${address}`,
        credentials,
        identity,
      });
      if (await dispatcher.call(add, [1, 2]) !== 3) throw new Error("a wrong sum");
    });
  },
};

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
