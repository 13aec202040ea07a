/**
 * The errors of Selvage and the words in which a failed handshake is named, as users of the package see them.
 *
 * @module
 */
export * from "./access.ts";
export * from "./availability.ts";
export * from "./call.ts";
export { ConfigurationError } from "./configuration_error.ts";
export * from "./evidence.ts";
export * from "./handshake_error.ts";
export * from "./peer_text.ts";
export * from "./selvage_error.ts";
export * from "./vocabulary.ts";
export * from "./worker_ref.ts";
