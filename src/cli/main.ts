/**
 * The `selvage` command.
 *
 * @module
 */
import { unsupportedDeno } from "./deno_version.ts";
import { ExitCode } from "./exit_code.ts";

if (import.meta.main) {
  const unsupported = unsupportedDeno(Deno.version.deno);
  if (unsupported !== undefined) {
    console.error(unsupported);
    Deno.exit(ExitCode.usage);
  }
  // Loaded only now: what an older Deno cannot parse must not come before the sentence about it.
  const { run } = await import("./run.ts");
  Deno.exit(await run(Deno.args));
}
