import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findTool, type Tool } from "./tool.ts";

const INSTALLED = fileURLToPath(new URL("../../.selvage/clients", import.meta.url));
const BY = "scripts/install_clients.ts";

/** A client that the script builds. */
export function builtClient(name: string, path: string): Tool {
  const built = `${INSTALLED}/${path}`;
  return { name: `${name} (${BY})`, path: existsSync(built) ? built : undefined };
}

/** A Python that can import some modules: the one that the script installs, or the machine's own. */
export function pythonWith(...modules: readonly string[]): Tool {
  return { name: `Python with ${modules.join(" and ")} (${BY})`, path: findPython(modules) };
}

function findPython(modules: readonly string[]): string | undefined {
  for (const python of [`${INSTALLED}/python/bin/python`, findTool("python3")]) {
    if (python === undefined) continue;
    try {
      const command = new Deno.Command(python, {
        args: ["-c", `import ${modules.join(", ")}`],
        stderr: "null",
      });
      if (command.outputSync().success) return python;
    } catch {
      // It is not installed.
    }
  }
  return undefined;
}
