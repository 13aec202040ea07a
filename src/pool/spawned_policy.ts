import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigurationError } from "../errors/mod.ts";
import { type Policy, readPolicy } from "../policy/mod.ts";
import type { SpawnOptions } from "./options.ts";

/**
 * The policy of spawned workers, as it is sent to them: rules, or the absolute path of a file.
 *
 * @throws {ConfigurationError} where it is a function, which cannot be sent, or rules that are not valid.
 */
export function spawnedPolicy({ policy }: SpawnOptions): Policy | string | undefined {
  if (policy instanceof URL) return fileURLToPath(policy);
  if (typeof policy === "string") return resolve(policy);
  if (policy === undefined) return undefined;
  if ("authorize" in policy) {
    throw new ConfigurationError(
      "spawn.policy must be rules or a policy file: a function cannot be sent to another process",
      { setting: "spawn.policy" },
    );
  }
  readPolicy(policy, { claims: false });
  return policy;
}
