import { relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** One import of a file, static or dynamic, of values or of types. */
export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** The file it leads to, relative to the project; `undefined` for a package or the platform. */
  readonly file: string | undefined;
  /** Why it leads nowhere: no such file, or a package that `deno.json` does not declare. */
  readonly error: string | undefined;
}

/** The files of a project, relative to it, and what each imports. */
export type Graph = ReadonlyMap<string, readonly Import[]>;

/** What `deno info --json` prints, as far as it is read here. */
interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: Resolution;
      readonly type?: Resolution;
    }[];
  }[];
}

interface Resolution {
  readonly specifier?: string;
  readonly error?: string;
}

/**
 * Reads what the files of a project import, as Deno itself sees it.
 *
 * @param root The folder that holds `deno.json`.
 * @param files The files to begin with, relative to it.
 */
export async function readGraph(root: string, files: readonly string[]): Promise<Graph> {
  const all = files.map((file) => `import ${JSON.stringify(urlOf(root, file))};`).join("\n");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `data:application/typescript,${encodeURIComponent(all)}`],
    cwd: root,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`deno info failed: ${new TextDecoder().decode(stderr)}`);
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Info;
  const broken = new Map(modules.map(({ specifier, error }) => [specifier, error]));
  const graph = new Map<string, readonly Import[]>();
  for (const { specifier, dependencies = [] } of modules) {
    if (!specifier.startsWith("file:")) continue;
    const imports = dependencies.map(({ specifier, code, type }) => {
      const target = code?.specifier ?? type?.specifier;
      const file = target?.startsWith("file:") ? pathOf(root, target) : undefined;
      const error = code?.error ?? type?.error ?? broken.get(target ?? "");
      return { specifier, file, error };
    });
    graph.set(pathOf(root, specifier), imports);
  }
  return graph;
}

function urlOf(root: string, file: string): string {
  return pathToFileURL(`${root}/${file}`).href;
}

function pathOf(root: string, url: string): string {
  return relative(root, fileURLToPath(url));
}

/** The circles in which files import each other, each as its files. */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const path: string[] = [];
  const circles: string[][] = [];
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return circles;

  /** Tarjan's search for strongly connected components. */
  function visit(file: string): number {
    const own = order.size;
    order.set(file, own);
    path.push(file);
    let low = own;
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (path.includes(next)) low = Math.min(low, order.get(next)!);
    }
    lowest.set(file, low);
    if (low === own) {
      const circle = path.splice(path.indexOf(file));
      if (circle.length > 1 || graph.get(file)?.includes(file)) circles.push(circle.sort());
    }
    return low;
  }
}
