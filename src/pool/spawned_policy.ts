import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { unusable } from "../errors/mod.ts";
import {
  type Policy,
  type PortableAuthenticator,
  portableAuthenticator,
  readPolicy,
} from "../policy/mod.ts";
import type { SpawnOptions } from "./options.ts";

/**
 * The policy of spawned workers, as it is sent to them: rules, or the absolute path of a file.
 *
 * @throws {ConfigurationError} where it is a function, which cannot be sent, or rules that are not valid.
 */
export function spawnedPolicy({ policy, authenticate }: SpawnOptions): Policy | string | undefined {
  if (policy instanceof URL) return fileURLToPath(policy);
  if (typeof policy === "string") return resolve(policy);
  if (policy === undefined) return undefined;
  if ("authorize" in policy) {
    throw unusable(
      "spawn.policy",
      "spawn.policy must be rules or a policy file: a function cannot be sent to another process",
    );
  }
  readPolicy(policy, { claims: authenticate !== undefined });
  return policy;
}

/**
 * What verifies tokens on spawned workers, as it is sent to them.
 *
 * @throws {ConfigurationError} where it is a function, which cannot be sent.
 */
export function spawnedAuthenticator(
  { authenticate }: SpawnOptions,
): PortableAuthenticator | undefined {
  if (authenticate === undefined) return undefined;
  const portable = portableAuthenticator(authenticate);
  if (portable !== undefined) return portable;
  throw unusable(
    "spawn.authenticate",
    "spawn.authenticate must be what jwt(...), kubernetesServiceAccount(...), spiffeJwtSvids(...) or " +
      "signedNonce(...) returned: a function, or a clock, cannot be sent to another process",
  );
}
