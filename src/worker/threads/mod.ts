/**
 * Threads: routines marked `run: "thread"` run in Deno Workers, beside the worker's own thread.
 *
 * @module
 */
export * from "./module_load.ts";
export * from "./thread_pool.ts";
export * from "./thread_location.ts";
