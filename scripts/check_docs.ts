/**
 * Lints the documentation of every entry point. Types of Connect that our interfaces are written
 * in belong to that package and are documented there.
 *
 * @module
 */
const FOREIGN: ReadonlySet<string> = new Set(["Transport", "ConnectRouter", "Interceptor"]);
const { exports } = JSON.parse(await Deno.readTextFile("deno.json"));
const ENTRIES = Object.entries<string>(exports).filter(([name]) => name !== "./cli")
  .map(([, path]) => path);

const { stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...ENTRIES],
  env: { NO_COLOR: "1" },
  stdout: "null",
  stderr: "piped",
}).output();
const errors = new TextDecoder().decode(stderr).split(/\n(?=error)/).filter(isOurs);
for (const error of errors) console.error(error);
console.error(`documentation: ${ENTRIES.length} entry points, ${errors.length} errors`);
Deno.exit(errors.length === 0 ? 0 : 1);

function isOurs(text: string): boolean {
  if (!text.startsWith("error") || /^error: Found \d+/.test(text)) return false;
  const foreign = /references private type '(\w+)'/.exec(text)?.[1];
  return foreign === undefined || !FOREIGN.has(foreign);
}
