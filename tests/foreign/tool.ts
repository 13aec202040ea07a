/** A tool that a machine may have. */
export interface Tool {
  readonly name: string;
  /** Where it is; `undefined` where the machine does not have it. */
  readonly path: string | undefined;
}

/** What a tool wrote and how it ended. */
export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a tool is, of those that a machine may have; `undefined` where it is not. */
export function findTool(...names: readonly string[]): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  for (const name of names) {
    for (const folder of [...folders, "/usr/local/go/bin"]) {
      const path = `${folder}/${name}`;
      try {
        if (Deno.statSync(path).isFile) return path;
      } catch {
        // Not in that folder.
      }
    }
  }
  return undefined;
}

/** Runs a tool to its end. */
export async function runTool(
  path: string,
  args: readonly string[],
  input: string = "",
): Promise<ToolResult> {
  const process = new Deno.Command(path, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  // A tool may end before it has read everything; its result says whether that was right.
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close());
  written.catch(() => {});
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Registers a test that needs a tool; where the machine does not have it, the test is reported as
 * ignored and its name says why.
 */
export function testWithTool(
  tool: Tool,
  name: string,
  test: (path: string, t: Deno.TestContext) => Promise<void>,
): void {
  const { path } = tool;
  if (path === undefined) {
    Deno.test({ name: `${name} [not run: no ${tool.name} here]`, ignore: true, fn() {} });
  } else {
    Deno.test(name, (t) => test(path, t));
  }
}
