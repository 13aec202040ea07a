import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Authenticator } from "./authenticator.ts";
import type { JwtSvidVerification } from "./jwt_svid_options.ts";
import type { JwtOptions } from "./jwt_options.ts";
import type { KeySetOptions } from "./key_settings.ts";
import type { KubernetesServiceAccountOptions } from "./kubernetes_options.ts";

/** What an authenticator was made of, as data that another process can make it of again. */
export type PortableAuthenticator =
  | { readonly kind: "jwt"; readonly options: JwtOptions }
  | { readonly kind: "jwt-svid"; readonly options: PortableJwtSvids }
  | { readonly kind: "kubernetes"; readonly options: KubernetesServiceAccountOptions }
  | {
    readonly kind: "signed-nonce";
    /** The keys in base64, by their ids. */
    readonly keys: Readonly<Record<string, string>>;
    readonly windowS?: number;
    readonly maxNonces?: number;
  };

/** How JWT-SVIDs are verified, and the path of the agent's socket. */
export type PortableJwtSvids =
  & Omit<JwtSvidVerification, "clock" | "socket">
  & { readonly socket: string };

/** By the value itself: a copy with another function must not be taken for the original. */
const settings = new WeakMap<Authenticator, PortableAuthenticator>();

/** Remembers what an authenticator was made of, which never changes again. */
export function remembered(
  authenticator: Authenticator,
  portable: PortableAuthenticator,
): Authenticator {
  settings.set(authenticator, withPlainKeys(portable));
  return Object.freeze(authenticator);
}

/** What an authenticator was made of; `undefined` where it is a function of the user's own. */
export function portableAuthenticator(
  authenticator: Authenticator,
): PortableAuthenticator | undefined {
  return settings.get(authenticator);
}

/** Paths hold wherever the other process runs, and URLs are text there. */
function withPlainKeys(portable: PortableAuthenticator): PortableAuthenticator {
  if (portable.kind === "signed-nonce" || portable.kind === "jwt-svid") {
    return structuredClone(portable);
  }
  const { options } = portable;
  const plain = structuredClone({ ...options, ...plainKeys(options) });
  return { kind: portable.kind, options: plain } as PortableAuthenticator;
}

function plainKeys({ jwks, ca, jwksTokenFile }: Partial<KeySetOptions>): Partial<KeySetOptions> {
  return {
    ...(jwks === undefined ? {} : { jwks: plainSource(jwks) }),
    ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : { file: resolve(ca.file) } }),
    ...(jwksTokenFile === undefined ? {} : { jwksTokenFile: resolve(jwksTokenFile) }),
  };
}

function plainSource(jwks: KeySetOptions["jwks"]): KeySetOptions["jwks"] {
  if (typeof jwks === "string" || jwks instanceof URL) {
    const url = new URL(jwks);
    return url.protocol === "file:" ? { file: fileURLToPath(url) } : url.href;
  }
  return "file" in jwks ? { file: resolve(jwks.file) } : jwks;
}
