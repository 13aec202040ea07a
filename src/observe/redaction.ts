/** The longest text that is logged, in characters. */
const MAX_TEXT = 4 * 1024;
/** How many members of a list or an object are logged. */
const MAX_MEMBERS = 64;
/** How deep a value is logged. */
const MAX_DEPTH = 6;
const REDACTED = "[redacted]";

/** Names under which nothing is logged, whatever it is. */
const SECRET_NAME =
  /^(?:.*[-_])?(?:key|private_?key|keypem|token|secret|password|passphrase|authorization|cookie)$/i;

/** What shows itself to be secret in any text: private keys, bearer tokens, JSON web tokens. */
const SECRET_TEXT =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)|\bBearer\s+[\w.~+/=-]+|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

/**
 * What the log may show of a value: plain values, lists and objects of them, an error's name and message.
 * Bytes and instances of classes, which may hold keys, tokens or payloads, are named and not shown.
 */
export function redacted(value: unknown, depth: number = MAX_DEPTH): unknown {
  switch (typeof value) {
    case "string":
      return redactedText(value);
    case "bigint":
      return String(value);
    case "object":
      return value === null ? null : redactedObject(value, depth);
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    default:
      return value;
  }
}

function redactedText(text: string): string {
  const capped = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
  return capped.replace(SECRET_TEXT, REDACTED);
}

function redactedObject(value: object, depth: number): unknown {
  if (value instanceof Error) return redactedText(`${value.name}: ${value.message}`);
  const isList = Array.isArray(value);
  const prototype = Object.getPrototypeOf(value);
  if (!isList && prototype !== Object.prototype && prototype !== null) {
    return `[${className(value)}]`;
  }
  if (depth === 0) return isList ? "[list]" : "[object]";
  if (isList) return value.slice(0, MAX_MEMBERS).map((member) => redacted(member, depth - 1));
  return Object.fromEntries(
    Object.entries(value).slice(0, MAX_MEMBERS).map(([name, member]) => [
      name,
      SECRET_NAME.test(name) ? REDACTED : redacted(member, depth - 1),
    ]),
  );
}

function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object";
}
