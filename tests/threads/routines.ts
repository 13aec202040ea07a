/** Routines that the tests of threads run. */
import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

const run = "thread";

export const add = routine("thread.add", { run }, (a: number, b: number) => a + b);

export const echo = routine("thread.echo", { run }, (value: unknown) => value as never);

/** Where routines say, to all threads of the process, that they have begun. */
export const BEGUN = "selvage-test-begun";

function begun(name: string): void {
  const channel = new BroadcastChannel(BEGUN);
  channel.postMessage(name);
  channel.close();
}

/** Computes without a pause. */
export const spin = routine("thread.spin", { run }, (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return "spun";
});

/** Computes without a pause until a file is there. */
export const spinUntil = routine("thread.spin-until", { run }, (path: string) => {
  begun("spin-until");
  for (;;) {
    try {
      Deno.statSync(path);
      return "spun";
    } catch {
      // Not yet.
    }
  }
});

export const count = routine("thread.count", { run }, async function* (to: number) {
  for (let n = 1; n <= to; n++) yield n;
});

/** Reports, item by item, whether it is still asked for. */
export const endless = routine("thread.endless", { run }, async function* () {
  try {
    for (let n = 1;; n++) {
      made = n;
      yield n;
    }
  } finally {
    left = currentCall().id;
  }
});

let made = 0;
let left = "";

/** What `endless` has made, and the call in whose `finally` it was last. */
export const endlessState = routine("thread.endless-state", { run }, () => ({ made, left }));

export const running = duplexRoutine(
  "thread.running-sum",
  { run },
  async function* (input: AsyncIterable<number>, start: number) {
    let sum = start;
    for await (const n of input) yield sum += n;
  },
);

/** Reads all of its input, and says how that ended. */
export const reading = duplexRoutine(
  "thread.reading",
  { run },
  async function* (input: AsyncIterable<number>) {
    try {
      for await (const _ of input) begun("reading");
      reads.push("complete");
      yield "complete";
    } catch (error) {
      reads.push((error as Error).name);
    }
  },
);

const reads: string[] = [];

/** How the inputs of `reading` ended. */
export const readsSoFar = routine("thread.reads-so-far", { run }, () => reads);

export const fail = routine("thread.fail", { run }, () => {
  throw Object.assign(new RangeError("too large", { cause: new Error("the limit") }), { limit: 7 });
});

/** Waits until its signal aborts. */
export const heeding = routine("thread.heeding", { run }, async () => {
  const { signal } = currentCall();
  begun("heeding");
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  heeded.push(signal.reason.name);
  signal.throwIfAborted();
});

const heeded: string[] = [];

/** Why the signals of `heeding` aborted so far, by the names of their reasons. */
export const heededReasons = routine("thread.heeded-reasons", { run }, () => heeded);

export const who = routine("thread.who", { run }, () => {
  const { id, parentId, workerId, peer, claims, deadline, tags, signal } = currentCall();
  return {
    id,
    parentId: parentId ?? "",
    workerId,
    identity: peer.identity ?? "",
    subject: String(claims?.["sub"]),
    deadline: deadline ?? 0,
    tags: [...tags],
    aborted: signal.aborted,
  };
});

export const through = routine("thread.through", { run }, async (n: number) => {
  const { dispatcher } = currentCall();
  const sum = await dispatcher.call(add, [n, 1]);
  const items: number[] = [];
  for await (const item of dispatcher.stream(count, [3])) items.push(item);
  for await (const item of dispatcher.duplex(running, [1, 2], [10])) items.push(item);
  return { sum, items };
});

/** Leaves a stream while it waits for its next item, and says what that was, and what leaving gave. */
export const leaves = routine("thread.leaves", { run }, async (name: string) => {
  const stuck = routine<() => AsyncIterable<number>>(name);
  const items = currentCall().dispatcher.stream(stuck, [])[Symbol.asyncIterator]();
  await items.next();
  const next = items.next();
  const left = items.return!();
  return [(await next).done, (await left).done];
});

export const exit = routine("thread.exit", { run }, () => {
  Deno.exit(3);
});

/** Rejects where nobody looks, which ends the thread. */
export const crash = routine("thread.crash", { run }, async () => {
  Promise.reject(new Error("nobody looked"));
  await new Promise(() => {});
});

/** As code does that was written for a Web Worker of its own. */
export const posts = routine("thread.posts", { run }, () => {
  const scope = globalThis as unknown as {
    postMessage(message: unknown): void;
    onmessage: () => void;
  };
  for (const message of [null, "ready", { kind: "served" }, { kind: "loaded" }]) {
    scope.postMessage(message);
  }
  scope.onmessage = () => {};
  addEventListener("message", () => scope.postMessage("heard"));
});

/** Keeps its thread, as a routine that computes does, until a file is there, and takes little processor time for it. */
export const holdUntil = routine("thread.hold-until", { run }, (path: string) => {
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (!exists(path)) Atomics.wait(never, 0, 0, 20);
});

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Waits for ever, whatever its signal does. */
export const deaf = routine("thread.deaf", { run }, async () => {
  await new Promise(() => {});
});
