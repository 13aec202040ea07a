/**
 * The platform's code of an error, `ECONNRESET` for instance; of an error that stands for several, the
 * first one's. `undefined` where it has none.
 */
export function systemCodeOf(error: unknown): string | undefined {
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  const code = codeOf(first) ?? codeOf(error);
  return typeof code === "string" ? code : undefined;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
