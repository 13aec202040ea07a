import { type ConfigurationError, nearestName, unusable } from "../errors/mod.ts";

/** The error for a COMMAND argument that names none, with the nearest of those that there are. */
export function unknownCommand(
  wanted: string | undefined,
  names: Iterable<string>,
): ConfigurationError {
  const known = [...names];
  const nearest = nearestName(wanted ?? "", known);
  const hint = nearest === undefined
    ? `those there are: ${known.join(", ")}`
    : `did you mean ${nearest}?`;
  return unusable("COMMAND", `there is no command ${JSON.stringify(wanted ?? "")}; ${hint}`);
}
