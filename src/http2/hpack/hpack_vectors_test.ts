import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { HpackDecoder } from "./decoder.ts";
import { HpackEncoder, maxBlockBytes } from "./encoder.ts";

const VECTORS = new URL("../../../../shared/vectors/hpack/", import.meta.url);

interface Story {
  readonly cases: readonly {
    readonly wire: string;
    readonly header_table_size?: number;
    readonly headers: readonly Readonly<Record<string, string>>[];
  }[];
}

Deno.test({
  name: "HpackDecoder decodes every story of the shared vectors",
  ignore: !exists(VECTORS),
  fn() {
    for (const { name, story } of stories()) {
      const decoder = new HpackDecoder(Infinity);
      for (const { wire, header_table_size, headers } of story.cases) {
        if (header_table_size !== undefined) decoder.limitTable(header_table_size);
        const block = Uint8Array.fromHex(wire);
        deepStrictEqual(decoder.decode(block, 0, block.length).fields, flatten(headers), name);
      }
    }
  },
});

Deno.test({
  name: "HpackEncoder writes every story so that it decodes back, while table sizes change",
  ignore: !exists(VECTORS),
  fn() {
    const sizes = [4096, 0, 100, 4096, 1024];
    for (const { name, story } of stories()) {
      const decoder = new HpackDecoder(Infinity);
      const encoder = new HpackEncoder(4096);
      let step = 0;
      for (const { headers, header_table_size } of story.cases) {
        if (header_table_size !== undefined || step % 7 === 0) {
          const size = header_table_size ?? sizes[(step / 7) % sizes.length]!;
          encoder.allowTable(size);
          decoder.limitTable(size);
        }
        step++;
        const fields = flatten(headers);
        const out = new Uint8Array(maxBlockBytes(fields));
        const end = encoder.encode(fields, out, 0);
        const again = decoder.decode(out, 0, end);
        deepStrictEqual(again.fields, fields, name);
        strictEqual(again.listBytes, fields.join("").length + 16 * fields.length, name);
      }
    }
  },
});

function exists(folder: URL): boolean {
  try {
    return Deno.statSync(folder).isDirectory;
  } catch {
    return false;
  }
}

function* stories(): Generator<{ name: string; story: Story }> {
  let found = 0;
  for (const folder of Deno.readDirSync(VECTORS)) {
    if (!folder.isDirectory) continue;
    for (const file of Deno.readDirSync(new URL(`${folder.name}/`, VECTORS))) {
      const path = new URL(`${folder.name}/${file.name}`, VECTORS);
      found++;
      yield { name: `${folder.name}/${file.name}`, story: JSON.parse(Deno.readTextFileSync(path)) };
    }
  }
  strictEqual(found > 0, true, "the vectors' folder is empty");
}

function flatten(headers: readonly Readonly<Record<string, string>>[]): string[] {
  return headers.flatMap((field) => Object.entries(field).flat());
}
