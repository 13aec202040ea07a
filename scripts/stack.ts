/**
 * Names the lines of the sources in what a bundle has logged: `deno task stack FOLDER < LOG`, the folder being that of the
 * bundle, or one with its maps alone.
 *
 * @module
 */
import { SourceMap } from "node:module";
import { join } from "node:path";
import { readLines } from "../src/pool/line_reader.ts";

/** A place in a file of a bundle, as stacks have it. */
const PLACE = /file:\/\/[^\s()"]*\/([^\s()"/]+\.js):(\d+):(\d+)/g;

const [folder] = Deno.args;
if (folder === undefined) fail("usage: deno task stack FOLDER < LOG");
if (!hasMaps(folder)) fail(`${folder} is no folder with the maps of a bundle (*.js.map)`);
const maps = new Map<string, SourceMap | undefined>();
for await (const line of readLines(Deno.stdin.readable)) console.log(line.replaceAll(PLACE, named));

/** The place in the sources that a place in a bundle was made of; itself where that is not known. */
function named(place: string, file: string, line: string, column: string): string {
  const found = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
  if (found === undefined || !("originalSource" in found)) return place;
  const { originalSource, originalLine, originalColumn } = found;
  return `${originalSource.replace(/^(?:\.\.\/)+/, "")}:${originalLine + 1}:${originalColumn + 1}`;
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, read(join(folder!, `${file}.map`)));
  return maps.get(file);
}

function hasMaps(folder: string): boolean {
  try {
    return Deno.readDirSync(folder).some(({ name }) => name.endsWith(".js.map"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** A log has places of other files, too. */
function read(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(Deno.readTextFileSync(path)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function fail(why: string): never {
  console.error(why);
  Deno.exit(2);
}
