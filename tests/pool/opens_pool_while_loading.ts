/** What happens to a program that serves its own main module. */
import { routine } from "../../src/contract/mod.ts";
import { WorkerPool } from "../../src/pool/mod.ts";

export const one = routine("loading.one", () => 1);

await using _pool = await WorkerPool.open({ spawn: { count: 1, modules: [import.meta.url] } });
