/**
 * Installs what `examples/clients/call.py` needs into `.selvage/clients/`, so that its test runs.
 *
 * @module
 */
import { fileURLToPath } from "node:url";

const target = fileURLToPath(new URL("../.selvage/clients/python", import.meta.url));
await Deno.mkdir(target, { recursive: true });
await run("python3", ["-m", "venv", target]);
await run(`${target}/bin/pip`, ["install", "--quiet", "httpx[http2]==0.28.1"]);

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(program, {
    args: [...args],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
}
