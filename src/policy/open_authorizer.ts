import { fileURLToPath } from "node:url";
import { unusable } from "../errors/mod.ts";
import type { Authorizer, PolicyHook } from "./authorizer.ts";
import { HookAuthorizer } from "./hook_authorizer.ts";
import { PolicyFile, type PolicyFileOptions } from "./policy_file.ts";
import { CompiledPolicy, type Policy, readPolicy } from "./rules/mod.ts";

/** Rules in code, the path of a policy file, or a function that decides. */
export type PolicySetting = Policy | PolicyHook | string | URL;

/** What opening a policy takes. */
export interface OpenAuthorizerOptions extends PolicyFileOptions {
  /** Receives what a hook threw. */
  readonly hookFailed: (error: unknown) => void;
}

/**
 * Opens a policy: compiles rules, or reads and watches a file.
 *
 * @throws {ConfigurationError} where it cannot be read, or is not a policy.
 */
export async function openAuthorizer(
  setting: PolicySetting,
  options: OpenAuthorizerOptions,
): Promise<Authorizer> {
  if (setting instanceof URL) return await PolicyFile.open(fileURLToPath(setting), options);
  if (typeof setting === "string") return await PolicyFile.open(setting, options);
  if (typeof setting !== "object" || setting === null) {
    throw unusable("policy", "policy is rules, the path of a policy file, or { authorize }");
  }
  if ("authorize" in setting) return new HookAuthorizer(setting, options.hookFailed);
  return fixedPolicy(new CompiledPolicy(readPolicy(setting, options)));
}

/** Rules that never change. */
function fixedPolicy(policy: CompiledPolicy): Authorizer {
  return {
    version: 0,
    rules: policy.rules,
    readsTags: (name) => policy.readsTags(name),
    decide: (call) => policy.decide(call.subject, call),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
