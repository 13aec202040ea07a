import { fileURLToPath } from "node:url";
import { findTool, type Tool } from "./tool.ts";

const INSTALLED = fileURLToPath(
  new URL("../../.selvage/clients/python/bin/python", import.meta.url),
);

/** A Python that has httpx and h2: the one that the script installs, or the machine's own. */
export const pythonWithHttpx: Tool = {
  name: "Python with httpx (scripts/install_python_client.ts)",
  path: find(),
};

function find(): string | undefined {
  for (const python of [INSTALLED, findTool("python3")]) {
    if (python === undefined) continue;
    try {
      const command = new Deno.Command(python, {
        args: ["-c", "import httpx, h2"],
        stderr: "null",
      });
      if (command.outputSync().success) return python;
    } catch {
      // It is not installed.
    }
  }
  return undefined;
}
