import { duplexRoutine, routine } from "../../src/contract/mod.ts";
import { currentCall } from "../../src/routine/mod.ts";

/** What happened to the routines of this process, for tests to look at from outside. */
const marks: string[] = [];
const markers = new Set<() => void>();

function mark(text: string): void {
  marks.push(text);
  for (const check of [...markers]) check();
}

export const add = routine("math.add", (a: number, b = 1) => a + b);

export const count = routine("math.count", async function* (name: string, limit: number) {
  try {
    for (let n = 1; n <= limit; n++) {
      mark(`${name}:${n}`);
      yield n;
    }
  } finally {
    mark(`${name}:finally:${currentCall().id !== ""}`);
  }
});

export const tally = duplexRoutine(
  "math.tally",
  async function* (input: AsyncIterable<number>, start: number) {
    let sum = start;
    for await (const n of input) yield sum += n;
  },
);

/** Waits until it is asked to stop, and says what stopped it. */
export const wait = routine("test.wait", (name: string) => {
  mark(`${name}:began`);
  const { signal } = currentCall();
  return new Promise<string>((resolve) => {
    const stopped = () => {
      mark(`${name}:${(signal.reason as Error).name}`);
      resolve("stopped");
    };
    if (signal.aborted) stopped();
    else signal.addEventListener("abort", stopped);
  });
});

/** Takes that long, whatever its signal says. */
export const slow = routine("test.slow", async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
});

export const fail = routine("test.fail", (kind: "range" | "text" | "class") => {
  mark(`fail:${kind}`);
  if (kind === "text") throw "not an error";
  if (kind === "class") return new Map([[1, () => {}]]) as never;
  throw Object.assign(new RangeError("out of range", { cause: new Error("deep") }), {
    code: 7,
    secret: "stays",
  });
});

/** Ends its process in the middle of the call. */
export const die = routine("test.die", (name: string): number => {
  mark(`${name}:began`);
  Deno.exit(9);
});

export const whoami = routine("test.whoami", () => {
  const { id, parentId, peer, deadline, tags } = currentCall();
  return { id, parentId, peer: { ...peer, names: [...peer.names] }, deadline, tags: [...tags] };
});

/** Asks another worker who it is to it. */
export const relay = routine("test.relay", async () => {
  const { id, dispatcher } = currentCall();
  const there = await dispatcher.call(whoami, []);
  return { id, parentOfNext: there.parentId, identityThere: there.peer.identity };
});

export const whoamiStream = routine("test.whoamiStream", async function* () {
  yield currentCall().peer.identity;
  await Promise.resolve();
  yield currentCall().peer.identity;
});

/** Waits until the routines of this worker have marked something. */
export const untilMarked = routine("test.untilMarked", (text: string) => {
  if (marks.includes(text)) return;
  return new Promise<void>((resolve) => {
    const check = () => {
      if (!marks.includes(text)) return;
      markers.delete(check);
      resolve();
    };
    markers.add(check);
  });
});

/** What the routines of this worker have marked, up to now. */
export const marked = routine("test.marked", () => [...marks]);
