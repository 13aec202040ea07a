import { caddy } from "./caddy.ts";
import { certtool, cfssl, easyRsa, mkcert } from "./debian_tools.ts";
import { modules, packaged } from "./installed.ts";
import type { Issuer } from "./issuer.ts";
import { keytool } from "./keytool.ts";
import { nodeForge } from "./node_forge.ts";
import { openssl } from "./openssl.ts";
import { spire } from "./spire.ts";

/** Every issuer that runs in these tests, in the order of the table. */
export const issuers: readonly Issuer[] = [
  ...openssl,
  easyRsa,
  certtool,
  mkcert,
  cfssl,
  caddy,
  keytool,
  nodeForge,
  ...packaged,
  ...modules,
  ...spire,
];
