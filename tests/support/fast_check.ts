/**
 * fast-check with a seed that stays the same, so that a run fails for what was changed and not by chance.
 * `SELVAGE_SEED=random` takes a new seed for each run, `SELVAGE_SEED=N` the one that a failure has printed.
 *
 * @module
 */
import fc from "fast-check";

const chosen = Deno.env.get("SELVAGE_SEED") ?? "20261128";
if (chosen !== "random") fc.configureGlobal({ seed: Number(chosen) });

export default fc;
