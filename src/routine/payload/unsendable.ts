import { FORBIDDEN_KEY } from "./cbor_format.ts";
import type { PayloadLimits } from "./limits.ts";

/** The part of a value that cannot be written, and why. */
export interface Unsendable {
  /** Where it is, beginning with the root's name: `arguments[0].when`. */
  readonly path: string;
  /** What is wrong with it, a clause to follow the path. */
  readonly what: string;
}

/**
 * Finds the first part of a value, which its path calls `root`, for which writing it failed. It walks as the encoder
 * does, but keeps account of where it is, which would cost the encoder a third of its speed.
 */
export function explainUnsendable(
  value: unknown,
  root: string,
  limits: PayloadLimits,
): Unsendable {
  // An argument list is no level of its own.
  const maxDepth = root === "arguments" ? limits.depth + 1 : limits.depth;
  const walk: Walk = { holders: [], limits, maxDepth, containers: 0, entries: 0 };
  return find(value, root, walk) ??
    { path: root, what: "changed while it was written" };
}

interface Walk {
  /** The containers that the current part is in, outermost first. */
  readonly holders: object[];
  readonly limits: PayloadLimits;
  readonly maxDepth: number;
  containers: number;
  entries: number;
}

function find(value: unknown, path: string, walk: Walk): Unsendable | undefined {
  switch (typeof value) {
    case "function":
    case "symbol":
      return { path, what: `is a ${typeof value}, which cannot be sent` };
    case "string":
      return value.isWellFormed() ? undefined : { path, what: "is a text with half a character" };
    case "object":
      return value === null ? undefined : findIn(value, path, walk);
    default:
      return undefined;
  }
}

function findIn(value: object, path: string, walk: Walk): Unsendable | undefined {
  const parts = partsOf(value, path);
  if (value instanceof Uint8Array && ++walk.containers > walk.limits.containers) {
    return { path: shortened(path), what: tooManyContainers(walk.limits) };
  }
  if (parts === undefined) {
    return isWhole(value) ? undefined : { path, what: `is ${className(value)}, not a plain value` };
  }
  if (walk.holders.includes(value)) return { path, what: "refers back to what holds it" };
  if (walk.holders.length >= walk.maxDepth) {
    return { path: shortened(path), what: `is nested deeper than ${walk.limits.depth} levels` };
  }
  const { containers, entries } = walk.limits;
  if (++walk.containers > containers) {
    return { path: shortened(path), what: tooManyContainers(walk.limits) };
  }
  walk.entries += entriesIn(value);
  if (walk.entries > entries) {
    return {
      path: shortened(path),
      what:
        `is where there are more than ${entries} properties, entries of maps and members of sets`,
    };
  }
  walk.holders.push(value);
  for (const [part, where] of parts) {
    const unsendable = where === undefined
      ? { path, what: `has the key "${FORBIDDEN_KEY}"` }
      : find(part, where, walk);
    if (unsendable !== undefined) return unsendable;
  }
  walk.holders.pop();
  return undefined;
}

function tooManyContainers({ containers }: PayloadLimits): string {
  return `is one of more than ${containers} arrays, objects, maps, sets and byte strings`;
}

function entriesIn(value: object): number {
  if (Array.isArray(value)) return 0;
  return value instanceof Map || value instanceof Set ? value.size : Object.keys(value).length;
}

/** The parts of a container with their paths; nothing where the value is no container of ours. */
function partsOf(value: object, path: string): Iterable<[unknown, string?]> | undefined {
  if (Array.isArray(value)) {
    return value.map((part, i): [unknown, string] => [part, `${path}[${i}]`]);
  }
  switch (Object.getPrototypeOf(value)) {
    case Object.prototype:
    case null:
      return propertiesOf(value as Record<string, unknown>, path);
    case Map.prototype:
      return entriesOf(value as Map<unknown, unknown>, path);
    case Set.prototype:
      return membersOf(value as Set<unknown>, path);
    default:
      return undefined;
  }
}

function* propertiesOf(
  record: Readonly<Record<string, unknown>>,
  path: string,
): Iterable<[unknown, string?]> {
  for (const key of Object.keys(record)) {
    if (key === FORBIDDEN_KEY) yield [undefined];
    const where = propertyPath(path, key);
    yield [key, where];
    yield [record[key], where];
  }
}

function* entriesOf(map: ReadonlyMap<unknown, unknown>, path: string): Iterable<[unknown, string]> {
  let index = 0;
  for (const [key, value] of map) {
    yield [key, `${path}.key(${index})`];
    yield [value, typeof key === "string" ? propertyPath(path, key) : `${path}.value(${index})`];
    index++;
  }
}

function* membersOf(set: ReadonlySet<unknown>, path: string): Iterable<[unknown, string]> {
  let index = 0;
  for (const member of set) yield [member, `${path}.value(${index++})`];
}

function propertyPath(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]{0,63}$/.test(key)
    ? `${path}.${key}`
    : `${path}[${JSON.stringify(key.slice(0, 64))}]`;
}

function shortened(path: string): string {
  return path.length <= 80 ? path : `${path.slice(0, 77)}...`;
}

function isWhole(value: object): boolean {
  return value instanceof Uint8Array || Object.getPrototypeOf(value) === Date.prototype;
}

function className(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "a class instance";
}
