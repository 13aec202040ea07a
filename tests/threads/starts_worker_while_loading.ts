/** What happens to a program that serves its own main module, with routines for threads. */
import { routine } from "../../src/contract/mod.ts";
import { WorkerServer } from "../../src/worker/mod.ts";

export const heavy = routine("loading.heavy", { run: "thread" }, () => 1);

const inThread = "postMessage" in globalThis;
if (inThread) await WorkerServer.start({ modules: [import.meta.url], threads: 1 });
