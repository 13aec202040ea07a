import { unusable } from "./configuration_error.ts";
import { nearestName } from "./nearest_name.ts";

/** The name of every option that a type has; `satisfies` this, and the compiler misses none and no new one. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Rejects an option of a name that nothing reads. JavaScript is not checked, and Deno runs TypeScript without checking
 * it: `alow`, or `Policy`, would be ignored, and what it was to close would be open. An option that is `undefined` is
 * none.
 *
 * @param of whose options they are, as a sentence begins: `a worker`.
 * @param within what leads to the options, as a setting is written: `limits`. Default: nothing.
 * @throws {ConfigurationError} If the options are no object, or there is such a one; it names the nearest that there is.
 */
export function insistOnNames(
  of: string,
  options: object,
  names: object,
  within?: string,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw unusable(within ?? "options", `${of} takes an object of options, not ${kindOf(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(names, name)) continue;
    const nearest = nearestName(name, Object.keys(names));
    const advice = nearest === undefined
      ? `its options are ${Object.keys(names).join(", ")}`
      : `did you mean ${JSON.stringify(nearest)}?`;
    const setting = within === undefined ? name : `${within}.${name}`;
    throw unusable(setting, `${of} has no option ${JSON.stringify(name)}; ${advice}`);
  }
}

/**
 * Rejects a value of another kind than a setting has, with the same in view as {@linkcode insistOnNames}: what is made of
 * it later would fail with a `TypeError` that names no setting.
 *
 * @param expected what it is, with an example: `an address such as "127.0.0.1:8443"`.
 * @throws {ConfigurationError} Where `isKind` is false; it names the kind of the value, and not the value.
 */
export function insistOnKind(
  setting: string,
  value: unknown,
  isKind: boolean,
  expected: string,
): void {
  if (!isKind) throw unusable(setting, `${setting} is ${expected}, not ${kindOf(value)}`);
}

/** @throws {ConfigurationError} If they are no list of files and URLs. */
export function insistOnModules(setting: string, modules: unknown): void {
  const areModules = Array.isArray(modules) &&
    modules.every((module) => typeof module === "string" || module instanceof URL);
  insistOnKind(setting, modules, areModules, "a list of files and URLs");
}

/** Whether it is a text, or a list of texts. */
export function isTextOrTexts(value: unknown): boolean {
  return [value].flat().every((one) => typeof one === "string");
}

/** What kind of value it is; not the value, which may be a token or a key. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
