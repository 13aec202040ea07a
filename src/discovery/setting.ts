import { type ConfigurationError, unusable } from "../errors/mod.ts";

/**
 * The parameters after the `?` of a discovery URL.
 *
 * @param kind Which discovery it is, for the error.
 * @param names The parameters that it has.
 * @throws {ConfigurationError} If another one is given.
 */
export function urlParameters(
  kind: string,
  query: string | undefined,
  names: readonly string[],
): URLSearchParams {
  const parameters = new URLSearchParams(query);
  const unknown = parameters.keys().find((key) => !names.includes(key));
  if (unknown === undefined) return parameters;
  throw invalid(
    `${kind} discovery has no parameter ${JSON.stringify(unknown)}; it has ${names.join(", ")}`,
  );
}

/** The error for a setting of a discovery, or its URL, that cannot be used. */
export function invalid(message: string): ConfigurationError {
  return unusable("discovery", message);
}
