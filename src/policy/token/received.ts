import { fromBase64 } from "../../platform/mod.ts";
import type { Authenticator } from "./authenticator.ts";
import { jwt } from "./jwt.ts";
import { spiffeJwtSvids } from "./jwt_svid.ts";
import type { KeySetOptions } from "./key_settings.ts";
import { kubernetesServiceAccount, OF_THIS_CLUSTER } from "./kubernetes_service_account.ts";
import type { PortableAuthenticator } from "./portable.ts";
import { signedNonce } from "./signed_nonce.ts";

/** Makes an authenticator of what another process was given. */
export function receivedAuthenticator(portable: PortableAuthenticator): Authenticator {
  switch (portable.kind) {
    case "jwt":
      return jwt(portable.options);
    case "jwt-svid":
      return spiffeJwtSvids(portable.options);
    case "kubernetes":
      return kubernetesServiceAccount(portable.options);
    case "signed-nonce": {
      const { kind: _, keys, ...rest } = portable;
      const decoded = Object.entries(keys).map(([id, key]) => [id, fromBase64(key)]);
      return signedNonce({ keys: Object.fromEntries(decoded), ...rest });
    }
  }
}

/** What a process must be allowed, so that an authenticator can read its keys there. */
export interface AuthenticatorNeeds {
  /** The files that it reads. */
  readonly read: readonly string[];
  /** The hosts that it connects to, `HOST:PORT`. */
  readonly net: readonly string[];
  /** The unix sockets that it connects to. */
  readonly sockets: readonly string[];
}

const NO_NEEDS: AuthenticatorNeeds = { read: [], net: [], sockets: [] };

/** What an authenticator must be allowed to read its keys. */
export function needsOf(portable: PortableAuthenticator | undefined): AuthenticatorNeeds {
  if (portable === undefined || portable.kind === "signed-nonce") return NO_NEEDS;
  if (portable.kind === "jwt-svid") return { ...NO_NEEDS, sockets: [portable.options.socket] };
  const { jwks, ca, jwksTokenFile }: Partial<KeySetOptions> =
    portable.kind === "kubernetes" && portable.options.jwks === undefined
      ? { ...OF_THIS_CLUSTER, ...portable.options }
      : portable.options;
  const files = [
    typeof jwks === "object" && "file" in jwks ? jwks.file : undefined,
    typeof ca === "object" ? ca.file : undefined,
    jwksTokenFile,
  ];
  const url = typeof jwks === "string" ? new URL(jwks) : undefined;
  return {
    ...NO_NEEDS,
    read: files.filter((file) => file !== undefined),
    net: url === undefined ? [] : [`${url.hostname}:${url.port || "443"}`],
  };
}
