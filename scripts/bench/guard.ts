/**
 * Fails where processor time has grown out of proportion, several times, within this run: of a call beside an
 * echo of bare `node:tls`, of an item beside a call, of 16 streams beside one, of a connection beside a bare
 * handshake. What the machine is and what else it runs cancel out; what fails is measured again, twice at most,
 * for longer. Fails also where an idle connection keeps twice the memory that it should, or one that is over leaves
 * more than twice as much to the collection of the whole heap. Takes half a minute.
 *
 * `deno run -A scripts/bench/guard.ts`
 *
 * @module
 */
import { peerSubjects } from "./peers.ts";
import { Subject } from "./subject.ts";
import { type Figures, keyOf, takeTurns } from "./turns.ts";

/** A row of ours, what it is compared with, and the most that it may take of its processor time. */
interface Bound {
  readonly row: string;
  readonly against: readonly [subject: "this" | "node:tls", row: string];
  /** Three to eight times what two quiet cores showed (Deno 2.9.6, 2026-11-28), which is given behind each. */
  readonly most: number;
}

const BOUNDS: readonly Bound[] = [
  { row: "calls-64", against: ["node:tls", "calls-1"], most: 1.5 }, // 0.2; up to 1 before it is compiled
  { row: "down-32-1", against: ["this", "calls-64"], most: 0.8 }, // 0.23
  { row: "up-32-1", against: ["this", "calls-64"], most: 0.8 }, // 0.25
  { row: "down-32-16", against: ["this", "down-32-1"], most: 3 }, // 0.9
  { row: "down-64k-1", against: ["node:tls", "down-64k-1"], most: 8 }, // 1.8
  { row: "connect-8", against: ["node:tls", "connect-8"], most: 13 }, // 4
];

/** The most that a connection may keep at each end, in KiB: an idle one of heap and external memory, one that is over of the heap. */
const KEPT: Readonly<Record<string, number>> = {
  "memory_worker-200": 48, // 20
  "memory_dispatcher-200": 48, // 18
  "left_worker-200": 15, // 7; 21 before `values/ring.ts`
  "left_dispatcher-200": 20, // 8; 36
};

const rows = [...new Set(BOUNDS.flatMap(({ row, against }) => [row, against[1]]))];

await using stack = new AsyncDisposableStack();
const driver = new URL("./driver.ts", import.meta.url).pathname;
const ours = stack.use(
  new Subject({ name: "this", args: ["run", "-A", "--v8-flags=--expose-gc", driver] }),
);
const [bare] = await peerSubjects(stack, ["node:tls"]);
const subjects = [ours, stack.use(bare!)];

// Of a machine with much other work the first try still sees code that is being compiled.
let broken: readonly Bound[] = BOUNDS;
for (const durationMs of [400, 1_500, 3_000]) {
  if (broken.length > 0) broken = await brokenBounds(durationMs);
}
const keepsLittle = await connectionsKeepLittle();
Deno.exitCode = broken.length === 0 && keepsLittle ? 0 : 1;

async function brokenBounds(durationMs: number): Promise<readonly Bound[]> {
  const figures = await takeTurns(subjects, rows, { turns: 3, durationMs });
  return BOUNDS.filter((bound) => {
    const { row, against: [subject, beside], most } = bound;
    const share = cpuUs(figures, row, "this") / cpuUs(figures, beside, subject);
    // A figure that is missing breaks its bound.
    const holds = share <= most;
    const text = `${row} takes ${share.toFixed(2)} of the processor time of ${beside} (${subject})`;
    console.error(`guard: ${text}, at most ${most}: ${holds ? "ok" : "too much"}`);
    return !holds;
  });
}

/** What garbage and code still to be compiled add differs by the turn, so the least of them counts. */
async function connectionsKeepLittle(): Promise<boolean> {
  const figures = await takeTurns([ours], Object.keys(KEPT), { turns: 2, durationMs: 0 });
  const held = Object.entries(KEPT).map(([row, most]) => {
    const kept = figures.get(keyOf(row, ours.name))?.map((figure) => figure?.value ?? Infinity);
    const least = Math.min(Infinity, ...kept ?? []);
    const holds = least <= most;
    const text = `${row} is ${least.toFixed(1)} KiB for each connection, at most ${most}`;
    console.error(`guard: ${text}: ${holds ? "ok" : "too much"}`);
    return holds;
  });
  return !held.includes(false);
}

function cpuUs(figures: Figures, row: string, subject: string): number {
  const taken = figures.get(keyOf(row, subject))?.map((figure) => figure?.cpuUs ?? NaN) ?? [];
  return taken.toSorted((a, b) => a - b)[taken.length >> 1] ?? NaN;
}
