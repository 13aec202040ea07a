/**
 * For tests: a worker and a dispatcher in memory, and an authority that issues certificates.
 *
 * @module
 */
export {
  Authority,
  type AuthorityOptions,
  createAuthority,
  IssuedCertificate,
  type IssueRequest,
  type TlsUsage,
} from "../credentials/mod.ts";
export * from "./discovery_contract.ts";
export * from "./in_memory.ts";
