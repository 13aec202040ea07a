/**
 * HPACK, RFC 7541: header lists to header blocks and back. Knows nothing of streams.
 *
 * @module
 */
export * from "./decoded_block.ts";
export * from "./decoder.ts";
export { ENTRY_OVERHEAD_BYTES } from "./dynamic_table.ts";
export * from "./encoder.ts";
export * from "./hpack_error.ts";
