import type { CallRecord } from "./caller.ts";

/** How often each call ran, by its name: from the lines that workers wrote. */
export function runsIn(text: string): ReadonlyMap<string, number> {
  const runs = new Map<string, number>();
  for (const name of text.split("\n")) {
    if (name !== "") runs.set(name, (runs.get(name) ?? 0) + 1);
  }
  return runs;
}

/**
 * What contradicts "no call is lost, and none runs twice", in sentences.
 *
 * @param killed The addresses of workers that were killed: calls that were at them may fail.
 */
export function contradictions(
  calls: readonly CallRecord[],
  runs: ReadonlyMap<string, number>,
  killed: ReadonlySet<string>,
): readonly string[] {
  const wrong: string[] = [];
  const known = new Set(calls.map(({ name }) => name));
  for (const [name, count] of runs) {
    if (count > 1) wrong.push(`${name} ran ${count} times`);
    if (!known.has(name)) wrong.push(`${name} ran, and nobody made it`);
  }
  for (const call of calls) {
    const ran = runs.get(call.name) ?? 0;
    const what = `${call.name} (${call.phase}) ran ${ran} times`;
    if (call.how === "answered" && (ran === 0 || call.phase === "denied")) {
      wrong.push(`${what}, and was answered`);
    } else if (call.how === "failed" && !mayFail(call, ran, killed)) {
      wrong.push(`${what}, and failed: ${call.error}`);
    } else if (call.phase === "denied" && ran > 0) wrong.push(what);
  }
  return wrong;
}

function mayFail(
  call: CallRecord & { readonly how: "failed" },
  ran: number,
  killed: ReadonlySet<string>,
): boolean {
  if (call.lost !== undefined) return killed.has(call.lost);
  if (call.phase === "denied") return ran === 0;
  return call.phase === "changing" && (call.denied || ran === 0);
}
