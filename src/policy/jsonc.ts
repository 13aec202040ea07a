import { parse, type ParseError, printParseErrorCode } from "jsonc-parser";
import { ConfigurationError } from "../errors/mod.ts";

/**
 * Reads JSON with comments and trailing commas.
 *
 * @param name What the text is, for the error.
 * @param setting The option or argument that it was given by, for the error.
 * @throws {ConfigurationError} with the line and column of the first fault.
 */
export function parseJsonc(text: string, name: string, setting: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error === undefined) return value;
  const lines = text.slice(0, error.offset).split("\n");
  const place = `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
  throw new ConfigurationError(
    `${name}: ${place} is not JSON: ${printParseErrorCode(error.error)}`,
    { setting },
  );
}
