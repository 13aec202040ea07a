/**
 * fast-check with a seed that stays the same, so that a run fails for what was changed and not by chance.
 * `SELVAGE_SEED=random` takes a new seed for each run, `SELVAGE_SEED=N` the one that a failure has printed.
 *
 * @module
 */
import fc from "fast-check";

const chosen = Deno.env.get("SELVAGE_SEED") ?? "20261128";
if (chosen !== "random") fc.configureGlobal({ seed: Number(chosen) });

/** The longest that an asynchronous property may take with one input, in milliseconds: then it has hung. */
export const HUNG_MS = 60_000;

/**
 * Takes a seed for a fuzzing program, and prints it.
 *
 * @param given The seed, as a text. Default: a new one each time, so that each run looks elsewhere.
 */
export function seedProgram(given: string | undefined): void {
  const seed = Number(given ?? Math.floor(Math.random() * 2 ** 31));
  fc.configureGlobal({ seed });
  console.log(`seed ${seed}`);
}

export default fc;
