import { join } from "node:path";
import { runTool } from "../foreign/tool.ts";

/** A temporary folder in which a tool works. */
export class Workshop implements AsyncDisposable {
  /** The folder. */
  readonly folder: string;
  /** The commands that were run in it, in order, for anyone who wants to run them again. */
  readonly commands: string[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes a folder. */
  static async open(): Promise<Workshop> {
    return new Workshop(await Deno.makeTempDir({ prefix: "issuer-" }));
  }

  /** The path of a file in it. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Reads a text file of it. */
  read(name: string): Promise<string> {
    return Deno.readTextFile(this.path(name));
  }

  /** Writes a text file in it. */
  async write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(this.path(name), text);
    return this.path(name);
  }

  /** Runs a tool in it, which must succeed, and returns what it printed. */
  async run(tool: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { env = {}, input = "" } = options;
    this.commands.push([tool, ...args].join(" "));
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const { code, stdout, stderr } = await runTool("/usr/bin/env", [
      ...["-C", this.folder, ...settings, tool, ...args],
    ], input);
    if (code !== 0) throw new Error(`${tool} ended with code ${code}: ${stderr || stdout}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** How a tool is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}
