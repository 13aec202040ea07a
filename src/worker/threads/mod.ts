/**
 * Threads: routines marked `run: "thread"` run in Deno Workers, beside the worker's own thread.
 *
 * @module
 */
export * from "./thread_pool.ts";
