/**
 * The demo: hashes every file of a folder on a pool of workers, over mutual TLS.
 *
 * `deno task demo [FOLDER]`
 *
 * @module
 */
import { unsupportedDeno } from "../src/cli/deno_version.ts";

const unsupported = unsupportedDeno(Deno.version.deno);
if (unsupported !== undefined) {
  console.error(unsupported);
  Deno.exit(2);
}
// Loaded only now: what an older Deno cannot parse must not come before the sentence about it.
const { demo } = await import("./demo/demo.ts");
Deno.exit(await demo(Deno.args));
