import { runsOnDeno } from "./runtime.ts";

/**
 * A variable of the environment; `undefined` where it is not set.
 *
 * @throws {Deno.errors.NotCapable} On Deno without the permission to read it.
 */
export function environmentVariable(name: string): string | undefined {
  if (runsOnDeno) return Deno.env.get(name);
  const { process } = globalThis as { process?: { env: Record<string, string | undefined> } };
  return process?.env[name];
}
