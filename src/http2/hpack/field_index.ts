import {
  STATIC_TABLE_LENGTH,
  staticIndexByName,
  staticNames,
  staticValues,
} from "./static_table.ts";

/**
 * How a field is written where the tables do not hold it: into the table (`index`), as a literal that
 * leaves the table alone (`plain`), or as one that no hop may ever index (`never`, RFC 7541 §7.1.3).
 */
export type Indexing = "index" | "plain" | "never";

/** Names whose values are secrets. */
const SECRET = /(^|-)(authorization|cookie|token|secret|password|api-key|credentials?)$/;

/** Names whose values differ from message to message; to index them would only churn the table. */
const VARYING: ReadonlySet<string> = new Set([
  "age",
  "connect-timeout-ms",
  "content-length",
  "content-range",
  "date",
  "etag",
  "expires",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-timeout",
  "if-modified-since",
  "if-none-match",
  "last-modified",
  "location",
  "range",
  "retry-after",
  "traceparent",
  "tracestate",
  "x-request-id",
]);

/** A name that keeps bringing values which nobody repeats stops being indexed after this many. */
const MAX_UNREPEATED = 8;

/** What the encoder knows about one field name. */
export class FieldIndex {
  /** The lowest index in the static table that has this name, or 0. */
  readonly staticIndex: number;
  readonly #indexing: Indexing;
  readonly #staticByValue: ReadonlyMap<string, number> | undefined;
  /** What the dynamic table holds of the name: its newest value, and where there are more of them, those before. */
  #newestValue: string | undefined;
  #newestSequence = -1;
  #sequenceOfOlder: Map<string, number> | undefined;
  #unrepeated = 0;

  constructor(name: string) {
    this.staticIndex = staticIndexByName.get(name) ?? 0;
    this.#staticByValue = staticValuesByName.get(name);
    this.#indexing = SECRET.test(name) ? "never" : VARYING.has(name) ? "plain" : "index";
  }

  /** How a value that the tables do not hold is written. */
  get indexing(): Indexing {
    if (this.#indexing !== "index") return this.#indexing;
    return this.#unrepeated < MAX_UNREPEATED ? "index" : "plain";
  }

  /** The index of the name with this value in the static table, or 0. */
  staticIndexOf(value: string): number {
    return this.#staticByValue?.get(value) ?? 0;
  }

  /** The sequence number of the name with this value in the dynamic table, or -1. */
  sequenceOf(value: string): number {
    const sequence = value === this.#newestValue
      ? this.#newestSequence
      : this.#sequenceOfOlder?.get(value);
    if (sequence === undefined) return -1;
    this.#unrepeated = 0;
    return sequence;
  }

  /** The newest sequence number of the name with any value, or -1. */
  get newestSequence(): number {
    return this.#newestSequence;
  }

  inserted(value: string, sequence: number): void {
    if (this.#newestValue !== undefined) {
      this.#sequenceOfOlder ??= new Map();
      this.#sequenceOfOlder.set(this.#newestValue, this.#newestSequence);
    }
    this.#newestValue = value;
    this.#newestSequence = sequence;
    this.#unrepeated++;
  }

  evicted(value: string, sequence: number): void {
    if (this.#newestSequence === sequence) {
      this.#newestValue = undefined;
      this.#newestSequence = -1;
    } else if (this.#sequenceOfOlder?.get(value) === sequence) this.#sequenceOfOlder.delete(value);
  }
}

/** The indexes of the values that the static table has for a name, for the names of which it has any. */
const staticValuesByName: ReadonlyMap<string, ReadonlyMap<string, number>> = readStaticValues();

function readStaticValues(): Map<string, Map<string, number>> {
  const byName = new Map<string, Map<string, number>>();
  for (let index = 1; index <= STATIC_TABLE_LENGTH; index++) {
    const [name, value] = [staticNames[index]!, staticValues[index]!];
    if (value === "") continue;
    const values = byName.get(name) ?? new Map<string, number>();
    values.set(value, index);
    byName.set(name, values);
  }
  return byName;
}
