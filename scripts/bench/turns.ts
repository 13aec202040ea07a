import type { Figure } from "./scenarios.ts";
import type { Subject } from "./subject.ts";

/** The figures of one scenario and subject by turn; nothing in turns without one. */
export type Figures = ReadonlyMap<string, readonly (Figure | undefined)[]>;

/** The key of the figures of a scenario and a subject. */
export function keyOf(scenario: string, subject: string): string {
  return `${scenario} ${subject}`;
}

/**
 * Takes every figure in turn: of every scenario one of each subject, and then again. The first turn is thrown away:
 * it warms up. Each subject is first as often as the others, and one that has no figure in it is not asked again.
 */
export async function takeTurns(
  subjects: readonly Subject[],
  scenarios: readonly string[],
  { turns, durationMs }: { readonly turns: number; readonly durationMs: number },
): Promise<Figures> {
  const figures = new Map<string, (Figure | undefined)[]>();
  for (let turn = 0; turn <= turns; turn++) {
    for (const scenario of scenarios) {
      for (let at = 0; at < subjects.length; at++) {
        const subject = subjects[(at + turn) % subjects.length]!;
        const key = keyOf(scenario, subject.name);
        const taken = figures.get(key);
        if (turn > 0 && taken === undefined) continue;
        const figure = await subject.measure(scenario, durationMs);
        if (turn > 0) taken?.push(figure.value === undefined ? undefined : figure);
        else if (figure.value !== undefined) figures.set(key, []);
      }
    }
    console.error(`bench: turn ${turn} of ${turns} done`);
  }
  return figures;
}
