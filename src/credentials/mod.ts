/**
 * Certificates and trust that change while they are used: where they come from, when a new version
 * is taken, and a development authority that issues them.
 *
 * @module
 */
export * from "./material.ts";
export * from "./source.ts";
