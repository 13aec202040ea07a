/** Whether `node:fs` failed because there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/** Whether the system forbids access; a permission that Deno withholds is not meant. */
export function isForbidden(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EACCES" || code === "EPERM";
}

/** What an error of `node:fs` is called: its system code, or its name where it has none. */
export function failureName(error: unknown): string {
  return codeOf(error) ?? (error instanceof Error ? error.name : "of an unknown error");
}

function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}
