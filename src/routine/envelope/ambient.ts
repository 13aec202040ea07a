import { InvalidPayload } from "../../errors/mod.ts";
import { DELIMITED, type FieldReader } from "./field_reader.ts";
import { delimitedSize, type FieldWriter, textSize } from "./field_writer.ts";

/** Values that go with a call and with those that are made from within it, by name. */
export type Ambient = Readonly<Record<string, string>>;

/** The most ambient values that a call carries. */
export const MAX_AMBIENT_VALUES = 32;
/** What the names and values of a call take together at most, in bytes of UTF-8. */
export const MAX_AMBIENT_BYTES = 4_096;

/** The values of a call that carries none. */
export const NO_AMBIENT: Ambient = Object.freeze({});

// The fields of selvage.v1.AmbientValue.
const NAME = 1;
const VALUE = 2;

/**
 * Adds values to others, which they replace where the names are the same.
 *
 * @throws {InvalidPayload} If there are too many, or they are too large, or a name is blank or no text.
 */
export function withAmbient(
  before: Ambient | undefined,
  entries: readonly (readonly [string, string])[],
): Ambient {
  if (entries.length === 0) return before ?? NO_AMBIENT;
  const all = Object.fromEntries([...Object.entries(before ?? NO_AMBIENT), ...entries]);
  let bytes = 0;
  for (const [name, value] of Object.entries(all)) {
    if (name === "" || typeof value !== "string") {
      throw new InvalidPayload("an ambient value is text, and has a name", { path: "ambient" });
    }
    bytes += textSize(name) + textSize(value);
  }
  const count = Object.keys(all).length;
  if (count <= MAX_AMBIENT_VALUES && bytes <= MAX_AMBIENT_BYTES) return all;
  throw new InvalidPayload(
    `a call carries at most ${MAX_AMBIENT_VALUES} ambient values of ${MAX_AMBIENT_BYTES} bytes together, ` +
      `not ${count} of ${bytes}`,
    { path: "ambient" },
  );
}

/** The size of the ambient values as fields of a call. */
export function ambientSize(ambient: Ambient | undefined): number {
  if (ambient === undefined || ambient === NO_AMBIENT) return 0;
  let size = 0;
  for (const [name, value] of Object.entries(ambient)) {
    size += delimitedSize(entrySize(name, value));
  }
  return size;
}

/** Writes the ambient values, each as a field of a call. */
export function writeAmbient(
  writer: FieldWriter,
  field: number,
  ambient: Ambient | undefined,
): void {
  if (ambient === undefined || ambient === NO_AMBIENT) return;
  for (const [name, value] of Object.entries(ambient)) {
    writer.head(field, entrySize(name, value));
    writer.text(NAME, name, textSize(name));
    if (value !== "") writer.text(VALUE, value, textSize(value));
  }
}

/** Reads one ambient value. */
export function readAmbient(reader: FieldReader): readonly [string, string] {
  let [name, value] = ["", ""];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === NAME) {
      if (reader.is(DELIMITED)) name = reader.text();
    } else if (field === VALUE) {
      if (reader.is(DELIMITED)) value = reader.text();
    } else reader.skip();
  }
  return [name, value];
}

function entrySize(name: string, value: string): number {
  return delimitedSize(textSize(name)) + (value === "" ? 0 : delimitedSize(textSize(value)));
}
