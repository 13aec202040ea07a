/**
 * Checks that the committed schema of settings files is that of the command's flags.
 *
 * @module
 */
const schema = "src/cli/config/config.schema.json";
const write = `deno run -A src/cli/main.ts config schema > ${schema} && deno fmt ${schema}`;
const { stdout } = await new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--quiet", "src/cli/main.ts", "config", "schema"],
  stderr: "inherit",
}).output();
const made = JSON.stringify(JSON.parse(new TextDecoder().decode(stdout)));
const committed = JSON.stringify(JSON.parse(await Deno.readTextFile(schema)));
if (made !== committed) {
  console.error(`${schema} is not that of the flags; write it anew: ${write}`);
  Deno.exit(1);
}
