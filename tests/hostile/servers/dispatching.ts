/** What the process of a dispatcher is to do: a worker whose routines call others. */
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { routine } from "../../../src/contract/mod.ts";
import { type CredentialPem, Credentials } from "../../../src/credentials/mod.ts";
import { Dispatcher, type DispatcherLimits } from "../../../src/dispatch/mod.ts";
import { HandshakeError, RoutineError, WorkerUnavailable } from "../../../src/errors/mod.ts";
import { Health } from "../../../src/gen/mod.ts";
import { echo } from "../routines.ts";
import { PushedDiscovery } from "./pushed_discovery.ts";
import type { CallKind } from "./trap.ts";
import { HONEST, TRAP, TRAP_ITEMS } from "./visitor.ts";

export { held } from "../routines.ts";

/** How the dispatcher is opened. */
export interface Dispatching {
  /** The address of the worker that does no harm. */
  readonly honest: string;
  /** What it shows, and who all workers must be. Default: plaintext. */
  readonly trust?: { readonly pem: CredentialPem; readonly identity: string };
  /** Whether it waits for nobody for long. */
  readonly impatient: boolean;
}

/** A call of a hostile server. */
export interface TrappedCall {
  readonly address: string;
  readonly kind: CallKind;
  readonly timeoutMs: number;
}

/** The results of calls of the harmless worker meanwhile. */
export interface Besides {
  readonly calls: number;
  readonly failures: readonly string[];
}

/** Concurrent callers of the harmless worker. */
const CALLERS = 4;
/**
 * Between two calls of one of them, in milliseconds: what calls keep of the processor is measured elsewhere. A trap
 * that has lasted for so many calls mostly waits for the clock, and calls beside it are fewer.
 */
const PAUSE_MS = 3;
const MANY_CALLS = 400;
const LONG_PAUSE_MS = 50;
/** Concurrent callers where throughput is measured. */
const MANY_CALLERS = 16;
/** Calls that must have been made beside each trap, however soon it is over. */
const CALLS = 20;
const LARGE = "x".repeat(1024 * 1024);
/** Limits of a dispatcher that is not to be waited for. */
const IMPATIENT: DispatcherLimits = {
  handshakeTimeoutMs: 9000,
  http2: {
    prefaceTimeoutMs: 4000,
    headerTimeoutMs: 1000,
    settingsAckTimeoutMs: 4000,
    // No PING comes between the frames of a header block.
    keepaliveIdleMs: 4000,
    keepaliveTimeoutMs: 3000,
  },
};

const trap = routine<(value: string) => unknown>(TRAP);
const trapItems = routine<() => AsyncGenerator<unknown>>(TRAP_ITEMS);
const honest = routine<() => string>(HONEST);

const discovery = new PushedDiscovery();
let ground: Dispatching | undefined;
let opened: Promise<Dispatcher> | undefined;
/** How late readers are resumed, by the servers they read from. */
const late = new Map<string, () => void>();
let over: PromiseWithResolvers<void> | undefined;
let besides: Promise<Besides> | undefined;

/** Opens the dispatcher. */
export const open = routine("dispatching.open", async (how: Dispatching): Promise<boolean> => {
  const found = discovery.push({
    kind: "added",
    worker: { address: how.honest, tags: ["honest"] },
  });
  ground = how;
  opened = openOver(discovery, how);
  await found;
  await callHonest(0);
  return true;
});

/** Calls a hostile server, and gives the result of the call. */
export const callTrap = routine(
  "dispatching.callTrap",
  async ({ address, kind, timeoutMs }: TrappedCall): Promise<string> => {
    await discovery.push({ kind: "added", worker: { address, tags: [address] } });
    const dispatcher = await dispatching();
    const options = { tags: [address], timeoutMs };
    return await outcome(async () => {
      switch (kind) {
        case "call":
          return await dispatcher.call(trap, [""], options);
        case "large":
          return await dispatcher.call(trap, [LARGE], options);
        case "service":
          return await callService(address, timeoutMs);
        case "items":
          return await Array.fromAsync(dispatcher.stream(trapItems, [], options));
        case "unread":
          return await readLate(dispatcher.stream(trapItems, [], options), address);
      }
    });
  },
);

/** Calls a hostile server where it is honest, over the connection there is. */
export const callAgain = routine("dispatching.callAgain", async (address: string) => {
  const dispatcher = await dispatching();
  return await outcome(() => dispatcher.call(honest, [], { tags: [address], timeoutMs: 10_000 }));
});

/** Resumes late readers of a server. */
export const goOn = routine("dispatching.goOn", (address: string) => {
  late.get(address)?.();
  return late.delete(address);
});

/** Forgets a hostile server. */
export const forget = routine("dispatching.forget", async (address: string) => {
  await discovery.push({ kind: "removed", address });
  return true;
});

/** Begins to call the harmless worker again and again. */
export const beginBeside = routine("dispatching.beginBeside", () => {
  over = Promise.withResolvers();
  besides = callBeside(over.promise);
  return true;
});

/** Ends that; gives its result. */
export const endBeside = routine("dispatching.endBeside", async (): Promise<Besides> => {
  over?.resolve();
  return await besides ?? { calls: 0, failures: [] };
});

/** Calls the honest worker without a pause for `ms`. Returns calls a second. */
export const callFor = routine("dispatching.callFor", async (ms: number): Promise<number> => {
  const begin = performance.now();
  let calls = 0;
  await Promise.all(Array.from({ length: MANY_CALLERS }, async () => {
    while (performance.now() < begin + ms) {
      await callHonest(0);
      calls += 1;
    }
  }));
  return calls / (performance.now() - begin) * 1000;
});

async function callBeside(over: Promise<void>): Promise<Besides> {
  let goesOn = true;
  void over.then(() => goesOn = false);
  let calls = 0;
  const failures: string[] = [];
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (goesOn || calls < CALLS) {
      const value = ++calls;
      const came = await outcome(() => callHonest(value));
      if (came !== `result ${value}`) failures.push(came);
      await delay(calls < MANY_CALLS ? PAUSE_MS : LONG_PAUSE_MS);
    }
  }));
  return { calls, failures };
}

function openOver(
  discovery: string | PushedDiscovery,
  { trust, impatient }: Dispatching,
): Promise<Dispatcher> {
  return Dispatcher.open({
    discovery,
    ...(trust === undefined
      ? {}
      : { credentials: Credentials.fromPem(trust.pem), identity: trust.identity }),
    limits: impatient ? IMPATIENT : {},
  });
}

/** Clients of services choose no worker: this one has a dispatcher that knows no other. */
async function callService(address: string, timeoutMs: number): Promise<unknown> {
  if (ground === undefined) throw new Error("the dispatcher was not opened");
  await using own = await openOver(`static:${address}`, ground);
  const { status } = await createClient(Health, own.transport).check({}, { timeoutMs });
  return status;
}

async function callHonest(value: number): Promise<unknown> {
  return await (await dispatching()).call(echo, [value], { tags: ["honest"] });
}

/** One item, and the others once they are resumed. */
async function readLate(items: AsyncGenerator<unknown>, address: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<void>();
  late.set(address, resolve);
  const { value } = await items.next();
  await promise;
  return [value, ...await Array.fromAsync(items)];
}

/** Which error a call ends with, or which result. */
async function outcome(call: () => Promise<unknown>): Promise<string> {
  try {
    return `result ${JSON.stringify(await call())}`;
  } catch (error) {
    if (error instanceof HandshakeError) return `HandshakeError ${error.reason}`;
    if (error instanceof RoutineError) return `RoutineError ${error.remoteName}`;
    if (error instanceof ConnectError) return `ConnectError ${Code[error.code]}`;
    if (error instanceof WorkerUnavailable && error.notBegun) return "WorkerUnavailable not begun";
    return (error as Error).name;
  }
}

async function dispatching(): Promise<Dispatcher> {
  if (opened === undefined) throw new Error("the dispatcher was not opened");
  return await opened;
}
