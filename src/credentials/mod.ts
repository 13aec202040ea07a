/**
 * Certificates and trust that change while they are used: where they come from, when a new version
 * is taken, and a development authority that issues them.
 *
 * @module
 */
export { assemble } from "./assemble.ts";
export * from "./authority.ts";
export type { TlsUsage } from "./certificate_writer.ts";
export { rehearsedMaterial } from "./bundle_change.ts";
export { type RehearsedOwn, rehearsedOwn, withOwnChain } from "./rehearsed_own.ts";
export { type CaFiles, caValues, labelledCa } from "./files/ca_files.ts";
export * from "./credentials.ts";
export { FolderWatch } from "./files/folder_watch.ts";
export { type DenylistSetting, openCredentials } from "./denying_source.ts";
export * from "./material.ts";
export { ownAuthorityFault, ownCertificateFault, validityFault } from "./own_certificate_fault.ts";
export { verdictOption } from "./verdict_option.ts";
export { withoutPrivateKeys } from "./key/private_key.ts";
export * from "./pem_writer.ts";
export type { ProvideCredentials, ProviderOptions } from "./provider.ts";
export * from "./rejection.ts";
export type {
  CredentialEnvOptions,
  CredentialFiles,
  CredentialTexts,
  TrustOnly,
} from "./settings.ts";
export * from "./source.ts";
export * from "./store.ts";
export { WatchedText } from "./files/watched_text.ts";
export type { WatchOptions } from "./files/watch_files.ts";
