/** Routines that the tests of pools run in spawned workers. */
import { duplexRoutine, type Routine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

export const add = routine("pool.add", (a: number, b: number) => a + b);

export const count = routine("pool.count", async function* (to: number) {
  for (let n = 1; n <= to; n++) yield n;
});

export const sums = duplexRoutine("pool.sums", async function* (input: AsyncIterable<number>) {
  let sum = 0;
  for await (const n of input) yield sum += n;
});

let marks = 0;

/** Says how often it has run in this process. */
export const mark = routine("pool.mark", () => ++marks);

export const processId = routine("pool.process-id", () => Deno.pid);

/** Says that it has begun, and computes until its process is ended. */
export const compute = routine("pool.compute", (): void => {
  console.log("computing");
  for (;;);
});

/** Stands still until its process is ended, and takes no processor time for it. */
export const hang = routine("pool.hang", (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});

/** Reads a file, where the worker may. */
export const read = routine("pool.read", (path: string) => Deno.readTextFile(path));

export const caller = routine("pool.caller", () => currentCall().peer.identity ?? "");

/** Calls another routine from within this one. */
export const further = routine("pool.further", async () => {
  const { id, dispatcher } = currentCall();
  const { parent, process } = await dispatcher.call(parentage, []);
  return { childOfThis: parent === id, sameProcess: process === Deno.pid };
});

/** Who calls `caller` from within this call, how often in which process. */
export const siblings = routine("pool.siblings", { idempotent: true }, async (calls: number) => {
  const { dispatcher } = currentCall();
  const answers = await Promise.all(
    Array.from({ length: calls }, () => dispatcher.call(seen, [])),
  );
  return { own: Deno.pid, answers };
});

/** Who calls, and where. */
export const seen = routine("pool.seen", { idempotent: true }, () => ({
  by: currentCall().peer.identity ?? "",
  process: Deno.pid,
}));

/** Who calls another routine from within this one. */
export const innerCaller = routine(
  "pool.innerCaller",
  () => currentCall().dispatcher.call(caller, []),
);

export const parentage = routine("pool.parentage", () => {
  return { parent: currentCall().parentId ?? "", process: Deno.pid };
});

/** Asks a worker elsewhere who calls it, from within this call. */
export const elsewhere = routine("pool.elsewhere", async () => {
  const { dispatcher } = currentCall();
  return { seenAs: await dispatcher.call(remoteCaller, []), process: Deno.pid };
});

const remoteCaller: Routine<() => string> = routine("remote.caller");

export const fail = routine("pool.fail", () => {
  throw new RangeError("too large");
});

export const exit = routine("pool.exit", (code: number) => {
  Deno.exit(code);
});

/** Writes where the worker reports its state to its pool. */
export const print = routine("pool.print", (text: string) => {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
});

export const wait = routine("pool.wait", async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return Deno.pid;
});

/** What this process may do, of what it could be allowed. */
export const granted = routine("pool.granted", () => {
  const asked: Deno.PermissionDescriptor[] = [
    { name: "read" },
    { name: "write" },
    { name: "env" },
    { name: "run" },
    { name: "ffi" },
    { name: "sys" },
    { name: "import" },
    { name: "net" },
    { name: "net", host: "127.0.0.1" },
    { name: "read", path: "/etc/passwd" },
  ];
  return asked.filter((descriptor) => Deno.permissions.querySync(descriptor).state === "granted")
    .map((descriptor) => JSON.stringify(descriptor));
});
