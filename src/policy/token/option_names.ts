import type { OptionNames } from "../../errors/mod.ts";
import type { JwtOptions } from "./jwt_options.ts";
import type { JwtSvidVerification } from "./jwt_svid_options.ts";
import type { KeySetOptions } from "./key_settings.ts";
import type { KubernetesServiceAccountOptions } from "./kubernetes_options.ts";

const KEY_SET_NAMES = {
  jwks: true,
  ca: true,
  jwksTokenFile: true,
  jwksTimeoutMs: true,
} satisfies OptionNames<KeySetOptions>;

/** The options of `jwt`. */
export const JWT_NAMES: OptionNames<JwtOptions> = {
  ...KEY_SET_NAMES,
  issuer: true,
  audience: true,
  require: true,
  algorithms: true,
  clockToleranceS: true,
  types: true,
};

/** The options of `kubernetesServiceAccount`. */
export const KUBERNETES_NAMES: OptionNames<KubernetesServiceAccountOptions> = {
  ...KEY_SET_NAMES,
  audience: true,
  issuer: true,
  serviceAccounts: true,
  require: true,
  clockToleranceS: true,
};

/** The options of `spiffeJwtSvids`. */
export const JWT_SVID_NAMES: OptionNames<JwtSvidVerification> = {
  audience: true,
  socket: true,
  trustDomains: true,
  require: true,
  clockToleranceS: true,
  waitMs: true,
  clock: true,
};
