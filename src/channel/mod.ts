/**
 * Byte channels: dialling and listening with TLS, unix sockets, plaintext, in memory; listener generations.
 * What it learns of a peer it reports as facts; judging is for `peer/`.
 *
 * @module
 */
export * from "./address.ts";
export * from "./facts.ts";
