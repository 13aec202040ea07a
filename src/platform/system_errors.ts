/**
 * The platform's code of an error, `ECONNRESET` for instance; of an error that stands for several, the
 * first one's. `undefined` where it has none.
 */
export function systemCodeOf(error: unknown): string | undefined {
  const first = error instanceof AggregateError ? ownCodeOf(error.errors[0]) : undefined;
  return first ?? ownCodeOf(error);
}

/** Whether `node:fs` failed because there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return systemCodeOf(error) === "ENOENT";
}

/** Whether the system forbids access; a permission that Deno withholds is not meant. */
export function isForbidden(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === "EACCES" || code === "EPERM";
}

/** What an error of `node:fs` is called: its system code, or its name where it has none. */
export function failureName(error: unknown): string {
  return systemCodeOf(error) ?? (error instanceof Error ? error.name : "of an unknown error");
}

/** Why a file cannot be read, where the name of the failure alone does not say it. */
const READING_FAILURES: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  PermissionDenied: "permission denied",
  NotCapable: "this process lacks Deno's permission for it (--allow-read)",
};

/** Why `node:fs` could not read a file, as a person reads it. */
export function readingFailure(error: unknown): string {
  const name = failureName(error);
  return READING_FAILURES[name] ?? name;
}

function ownCodeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}
