/**
 * Measures what payloads of every shape take to be read, as a multiple of an ordinary one of as many bytes (a map of
 * numbers) of the same run. Prints a table in Markdown, and fails where one takes more than {@linkcode MOST} times as
 * much three times over.
 *
 * `deno run -A tests/hostile/payloads.ts`
 */
import { decodeCbor } from "../../src/routine/payload/cbor_decode.ts";
import { encodeCbor } from "../../src/routine/payload/cbor_encode.ts";
import { DEFAULT_PAYLOAD_LIMITS } from "../../src/routine/payload/limits.ts";
import { median } from "./kept.ts";

const MOST = 25;
const DEPTH = 64;
const SIZES = [4 * 1024, 64 * 1024, 1024 * 1024];
const PAIRS = 7;
const TRIES = 3;
/** So many bytes are read at least each time that one is timed. */
const READ_BYTES = 256 * 1024;
/** A writer that keeps to no limit but that of its message. */
const UNLIMITED = { ...DEFAULT_PAYLOAD_LIMITS, containers: Infinity, entries: Infinity };

/** A value that takes about so many bytes. */
type Shape = (bytes: number) => unknown;

const list = (count: number, item: (at: number) => unknown): unknown[] =>
  Array.from({ length: Math.floor(count) }, (_, at) => item(at));
const numbersOf: Shape = (n) => new Map(list(n / 10, (at) => at + 70_000).map((at) => [at, at]));
const nested = (depth: number): unknown => depth === 0 ? 0 : [nested(depth - 1)];

const SHAPES: Readonly<Record<string, Shape>> = {
  "a list of small objects": (n) =>
    list(n / 41, (id) => ({ id, name: `name ${id}`, tags: ["odd", "prime"], on: true })),
  "objects of one property, of another name each": (n) =>
    list(n / 8, (at) => ({ [`k${1_000 + at % 9_000}`]: 0 })),
  "one object of many properties": (n) =>
    Object.fromEntries(list(n / 10, (at) => at).map((at) => [`k${1e6 + Number(at)}`, 0])),
  "one object of many indexes": (n) =>
    Object.fromEntries(list(n / 10, (at) => at).map((at) => [String(Number(at) * 1_009), 0])),
  "a set of numbers": (n) => new Set(list(n / 5, (at) => at + 70_000)),
  "a set of fractions": (n) => new Set(list(n / 9, (at) => at + 0.1)),
  "a set of bigints": (n) => new Set(list(n / 11, (at) => 2n ** 60n + BigInt(at))),
  "a set of texts": (n) => new Set(list(n / 9, (at) => `k${1e6 + at}`)),
  "a set of digits": (n) => new Set(list(n / 8, (at) => String(1e6 + at))),
  "a set of empty arrays": (n) => new Set(list(n, () => [])),
  "empty arrays": (n) => list(n, () => []),
  "empty objects": (n) => list(n, () => ({})),
  "empty maps": (n) => list(n / 4, () => new Map()),
  "empty byte strings": (n) => list(n, () => new Uint8Array(0)),
  "byte strings of eight": (n) => list(n / 9, () => new Uint8Array(8)),
  "empty texts": (n) => list(n, () => ""),
  "short texts of two scripts": (n) => list(n / 4, () => "aé"),
  "arrays 60 deep": (n) => list(n / 61, () => nested(60)),
  "small numbers": (n) => list(n, (at) => at % 16),
  "fractions": (n) => list(n / 9, (at) => at + 0.1),
  "bigints": (n) => list(n / 11, (at) => 2n ** 60n + BigInt(at)),
  "dates": (n) => list(n / 12, (at) => new Date(1e12 + at)),
  "one bigint": (n) => 2n ** BigInt(8 * n - 8),
  "one text": (n) => "é".repeat(n / 2),
  "one byte string": (n) => new Uint8Array(n),
};

console.log(`| payload | ${SIZES.map((size) => `${size / 1024} KiB`).join(" | ")} |`);
console.log(`| --- | ${SIZES.map(() => "---").join(" | ")} |`);
const tooCostly: string[] = [];
for (const [name, shape] of Object.entries(SHAPES)) {
  const ratios = SIZES.map((size) => measured(shape, size));
  console.log(`| ${name} | ${ratios.map((ratio) => `${ratio.toFixed(1)}×`).join(" | ")} |`);
  if (Math.max(...ratios) > MOST) tooCostly.push(name);
}
for (const name of tooCostly) console.error(`${name}: more than ${MOST} times an ordinary payload`);
Deno.exitCode = tooCostly.length === 0 ? 0 : 1;

/** What a byte of that shape takes, as a multiple of one of an ordinary payload. */
function measured(shape: Shape, size: number): number {
  const [ordinary, other] = [numbersOf, shape].map((made) =>
    encodeCbor(made(size), DEPTH, UNLIMITED)
  ) as [Uint8Array, Uint8Array];
  for (let attempt = 1;; attempt++) {
    const ratio = byTurns(ordinary, other);
    if (ratio <= MOST || attempt === TRIES) return ratio;
  }
}

/** Each against what went before and what came after it, and the median of them. */
function byTurns(ordinary: Uint8Array, other: Uint8Array): number {
  msAByte(other);
  const around = [msAByte(ordinary)];
  const taken: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    taken.push(msAByte(other));
    around.push(msAByte(ordinary));
  }
  return median(taken.map((ms, at) => 2 * ms / (around[at]! + around[at + 1]!)));
}

/** What is refused is over early, which counts as well. */
function msAByte(payload: Uint8Array): number {
  const times = Math.ceil(READ_BYTES / payload.length);
  const begun = performance.now();
  for (let i = 0; i < times; i++) {
    try {
      decodeCbor(payload, DEPTH);
    } catch {
      // More containers or entries than a payload may have.
    }
  }
  return (performance.now() - begun) / times / payload.length;
}
