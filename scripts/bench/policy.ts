/**
 * What a policy costs: calls a second at 64 callers to workers without a policy, with 100 rules and with
 * 10,000, turn about on one connection each, two processes, mutual TLS. The last rule is the one that
 * allows the calls. Prints one JSON line a turn, and how much of the throughput is kept, in the median of the turns;
 * beside it the worker's processor time a call over all turns, which other programs of the machine disturb less.
 *
 * `deno task bench --policy`
 *
 * @module
 */
import { Dispatcher } from "../../mod.ts";
import type { Policy, PolicyRule } from "../../src/policy/mod.ts";
import { add } from "./routines.ts";
import { processorUs } from "./processor_time.ts";
import { WorkerProcess } from "./worker_process.ts";

const CALLERS = 64;
const TURNS = 12;
const WARM_MS = 1_500;
const MEASURED_MS = 800;

await using stack = new AsyncDisposableStack();
const subjects: Subject[] = [];
for (const rules of [0, 100, 10_000]) {
  const policy = rules === 0 ? undefined : JSON.stringify(policyOf(rules));
  const worker = stack.use(await WorkerProcess.start(policy));
  const dispatcher = stack.use(
    await Dispatcher.open({
      discovery: `static:${worker.address}`,
      credentials: worker.callerCredentials,
      identity: worker.identity,
    }),
  );
  await callsOf(dispatcher, WARM_MS);
  subjects.push({ rules, dispatcher, pid: worker.pid, calls: 0, processorUs: 0 });
}

const kept = new Map<number, number[]>();
for (let turn = 0; turn < TURNS; turn++) {
  const found = new Map<number, number>();
  // Each is first as often as the others.
  const order = subjects.map((_, at) => subjects[(at + turn) % subjects.length]!);
  for (const subject of order) {
    const before = await processorUs(subject.pid);
    const { calls, perSecond } = await callsOf(subject.dispatcher, MEASURED_MS);
    subject.calls += calls;
    subject.processorUs += await processorUs(subject.pid) - before;
    found.set(subject.rules, perSecond);
  }
  const [none = NaN, ...others] = subjects.map(({ rules }) => found.get(rules)!);
  for (const [at, one] of others.entries()) {
    const { rules } = subjects[at + 1]!;
    kept.set(rules, [...kept.get(rules) ?? [], one / none]);
  }
  console.log(JSON.stringify({ callsPerSecond: [none, ...others].map(Math.round) }));
}
const unruled = subjects[0]!;
for (const subject of subjects) {
  const { rules } = subject;
  console.log(JSON.stringify({
    rules,
    kept: rounded(median(kept.get(rules) ?? [1])),
    workerUsPerCall: rounded(perCall(subject)),
    workerTime: rounded(perCall(subject) / perCall(unruled)),
  }));
}

interface Subject {
  readonly rules: number;
  readonly dispatcher: Dispatcher;
  readonly pid: number;
  calls: number;
  processorUs: number;
}

function perCall({ calls, processorUs }: Subject): number {
  return processorUs / calls;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

/** Rules of every kind that come before the one that decides, a quarter of them about the routine that is called. */
function policyOf(count: number): Policy {
  const others = Array.from({ length: count - 1 }, (_, n): PolicyRule => {
    const who = [`spiffe://bench.local/team${n}/*`];
    switch (n % 4) {
      case 0:
        return { effect: "deny", who: [`spiffe://bench.local/caller${n}`], what: [add.name] };
      case 1:
        return { effect: "allow", who, what: [`team${n}.*`, `acme.v${n}.Service/*`] };
      case 2:
        return { effect: "allow", what: [`team${n}.read`] };
      default:
        return { effect: "deny", who, what: [add.name] };
    }
  });
  return {
    rules: [...others, {
      effect: "allow",
      who: ["spiffe://bench.local/caller"],
      what: ["**"],
    }],
  };
}

async function callsOf(dispatcher: Dispatcher, durationMs: number) {
  const start = performance.now();
  let calls = 0;
  await Promise.all(Array.from({ length: CALLERS }, async (_, seed) => {
    for (let n = seed; performance.now() < start + durationMs; n++) {
      if (await dispatcher.call(add, [n, 1]) !== n + 1) throw new Error("a wrong sum");
      calls++;
    }
  }));
  return { calls, perSecond: calls / (performance.now() - start) * 1_000 };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
