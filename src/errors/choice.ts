import { unusable } from "./configuration_error.ts";

/**
 * Rejects a value that is none of a setting's. JavaScript is not checked, and Deno runs TypeScript without checking
 * it: a value that is misspelt would be read as the weakest choice.
 *
 * @throws {ConfigurationError} If the value is another one, and not `undefined`.
 */
export function insistOnChoice<Choice extends string | boolean>(
  setting: string,
  value: Choice | undefined,
  choices: readonly Choice[],
): void {
  if (value === undefined || choices.includes(value)) return;
  const names = choices.map((choice) => JSON.stringify(choice)).join(" or ");
  throw unusable(setting, `${setting} is ${names}, not ${JSON.stringify(value)}`);
}
