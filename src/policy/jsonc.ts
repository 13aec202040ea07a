import { createScanner, parse, type ParseError, printParseErrorCode, visit } from "jsonc-parser";
import { unusable } from "../errors/mod.ts";

/** No file of ours is nested as deep; the parser itself would run out of stack at some thousands. */
const MAX_DEPTH = 64;

/**
 * Reads JSON with comments and trailing commas.
 *
 * @param name The file, for errors.
 * @throws {ConfigurationError} If it is not JSON, has a key twice in one object, or is nested deeper than 64 levels;
 * with line and column.
 */
export function parseJsonc(text: string, name: string, setting: string): unknown {
  const fault = (offset: number, what: string) => {
    const lines = text.slice(0, offset).split("\n");
    const place = `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
    return unusable(setting, `${name}: ${place} ${what}`);
  };
  const deep = tooDeepAt(text);
  if (deep !== undefined) throw fault(deep, `is nested deeper than ${MAX_DEPTH} levels`);
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    throw fault(error.offset, `is not JSON: ${wordsOf(printParseErrorCode(error.error))}`);
  }
  const twice = repeatedKey(text);
  if (twice === undefined) return value;
  throw fault(twice.offset, `has the key ${JSON.stringify(twice.key)} for a second time`);
}

/** `ValueExpected` as a person writes it: `value expected`. */
function wordsOf(code: string): string {
  return code.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function tooDeepAt(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    // A token of text begins with its quote.
    const first = text[scanner.getTokenOffset()];
    if (first === "{" || first === "[") depth += 1;
    if (first === "}" || first === "]") depth -= 1;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

/** Of a key that an object has twice only the last value would be used, although the first was written, too. */
function repeatedKey(text: string): { readonly key: string; readonly offset: number } | undefined {
  const objects: Set<string>[] = [];
  let found: { readonly key: string; readonly offset: number } | undefined;
  visit(text, {
    onObjectBegin: () => void objects.push(new Set()),
    onObjectEnd: () => void objects.pop(),
    onObjectProperty: (key, offset) => {
      const keys = objects.at(-1)!;
      if (keys.has(key)) found ??= { key, offset };
      keys.add(key);
    },
  }, { allowTrailingComma: true });
  return found;
}
