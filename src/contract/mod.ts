/**
 * Declaring routines, and the interface of what calls them. No dependencies, no platform.
 *
 * @module
 */
export * from "./caller.ts";
export * from "./client.ts";
export * from "./inference.ts";
export * from "./routine.ts";
export * from "./routine_name.ts";
export * from "./sendable.ts";
export * from "./standard_schema.ts";
