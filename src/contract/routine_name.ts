/** The longest name a routine may have, in characters. */
export const MAX_ROUTINE_NAME_LENGTH = 128;

const SYNTAX = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*$/;

/**
 * Whether a text is a routine's name: one or more segments joined by dots, each of ASCII
 * letters, digits, `_` and `-`, none beginning with a digit or `-`; at most
 * {@linkcode MAX_ROUTINE_NAME_LENGTH} characters. `math.add` is one.
 *
 * @param name The text.
 * @returns Whether it is a name.
 */
export function isRoutineName(name: string): boolean {
  return name.length <= MAX_ROUTINE_NAME_LENGTH && SYNTAX.test(name);
}

/**
 * Insists on a routine's name.
 *
 * @param name The text.
 * @returns The same text.
 * @throws {TypeError} If it is no name as {@linkcode isRoutineName} has it.
 */
export function routineName(name: string): string {
  if (isRoutineName(name)) return name;
  const shown = JSON.stringify(String(name).slice(0, 256));
  throw new TypeError(
    `${shown} is no routine name: expected segments joined by ` +
      `dots, such as "math.add", of ASCII letters, digits, "_" and "-", none beginning with a ` +
      `digit or "-", at most ${MAX_ROUTINE_NAME_LENGTH} characters in all`,
  );
}
