import { join } from "node:path";
import type { Version } from "./versions.ts";

/** Where one end's credentials lie, whichever way they are written. */
export interface CredentialPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** How programs write credentials. */
export interface Way {
  /** What it is called in a sentence. */
  readonly name: string;
  /** Writes the first version. */
  lay(folder: string, version: Version): Promise<void>;
  /** Writes another version over it. */
  rewrite(folder: string, version: Version): Promise<void>;
}

const PARTS = ["ca", "cert", "key"] as const;
type Part = typeof PARTS[number];

/**
 * How long a writer dawdles half-way, in milliseconds: longer than the quiet after which watched files
 * are read, so that they are read torn.
 */
const DAWDLE_MS = 250;

/** The paths below a folder. */
export function pathsIn(folder: string): CredentialPaths {
  const path = (part: Part): string => join(folder, `${part}.pem`);
  return { ca: path("ca"), cert: path("cert"), key: path("key") };
}

/** Writes each part beside its file and renames it over that. */
export const renamed: Way = {
  name: "renaming new files over the old ones",
  lay: writeAll,
  rewrite: (folder, version) => rename(folder, version, PARTS),
};

/** Swaps all parts at once: however slow the writer is, no reader finds parts that do not fit together. */
export const swapped: Way = {
  name: "swapping the ..data link as Kubernetes does",
  async lay(folder, version) {
    await swapLink(folder, version);
    for (const part of PARTS) await link(folder, part);
  },
  rewrite: swapLink,
};

/** Makes the link of a part again, where its files are swapped. */
export async function link(folder: string, part: Part): Promise<void> {
  await Deno.symlink(join("..data", `${part}.pem`), pathsIn(folder)[part]);
}

/** Every way. */
export const ways: readonly Way[] = [
  renamed,
  {
    name: "rewriting them in place, in two halves with a pause",
    lay: writeAll,
    async rewrite(folder, version) {
      for (const part of PARTS) {
        const text = version[part];
        const half = Math.floor(text.length / 2);
        using file = await Deno.open(pathsIn(folder)[part], { write: true, truncate: true });
        await file.write(new TextEncoder().encode(text.slice(0, half)));
        await dawdle();
        await file.write(new TextEncoder().encode(text.slice(half)));
      }
    },
  },
  swapped,
  {
    name: "writing the key before the certificate",
    lay: writeAll,
    async rewrite(folder, version) {
      await rename(folder, version, ["key"]);
      await dawdle();
      await rename(folder, version, ["cert", "ca"]);
    },
  },
  {
    name: "deleting and making them again",
    lay: writeAll,
    async rewrite(folder, version) {
      for (const path of Object.values(pathsIn(folder))) await Deno.remove(path);
      await dawdle();
      await writeAll(folder, version);
    },
  },
  {
    name: "deleting their folder and putting another in its place",
    lay: writeAll,
    async rewrite(folder, version) {
      const next = `${folder}.next`;
      await Deno.mkdir(next);
      await writeAll(next, version);
      await Deno.remove(folder, { recursive: true });
      await dawdle();
      await Deno.rename(next, folder);
    },
  },
];

async function writeAll(folder: string, version: Version): Promise<void> {
  for (const part of PARTS) await Deno.writeTextFile(pathsIn(folder)[part], version[part]);
}

async function rename(folder: string, version: Version, parts: readonly Part[]): Promise<void> {
  for (const part of parts) {
    const beside = join(folder, `.${part}.new`);
    await Deno.writeTextFile(beside, version[part]);
    await Deno.rename(beside, pathsIn(folder)[part]);
  }
}

async function swapLink(folder: string, version: Version): Promise<void> {
  const link = join(folder, "..data");
  const before = await Deno.readLink(link).catch(() => undefined);
  const name = `..${crypto.randomUUID()}`;
  await Deno.mkdir(join(folder, name));
  for (const part of PARTS) {
    await Deno.writeTextFile(join(folder, name, `${part}.pem`), version[part]);
  }
  await Deno.symlink(name, `${link}_tmp`);
  await Deno.rename(`${link}_tmp`, link);
  if (before !== undefined) await Deno.remove(join(folder, before), { recursive: true });
}

function dawdle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, DAWDLE_MS));
}
