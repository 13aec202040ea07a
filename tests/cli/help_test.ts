import assert from "node:assert/strict";
import { allCommands } from "../../src/cli/commands.ts";
import { leavesOf } from "../../src/cli/config/leaves.ts";
import { WorkerServer } from "../../src/worker/mod.ts";
import { add } from "../../examples/math.ts";
import { parseCommand, wordsOf } from "./parse_command.ts";
import { hasTerminal, Terminal } from "./terminal.ts";

Deno.test("the help of every command has examples, and each is a command line that it takes", async (t) => {
  for (const { name } of leavesOf(allCommands())) {
    await t.step(name, async () => {
      const examples = examplesOf(helpOf(name));
      assert.ok(examples.length > 0, `${name} --help has no examples`);
      assert.doesNotMatch(helpOf(name), /(?:npm|jsr):@selvage/, "no registry has the package");
      for (const example of examples) {
        assert.equal(`${example.slice(0, name.split(" ").length).join(" ")}`, name);
        await parseCommand(example);
      }
    });
  }
});

Deno.test({
  name: "a failure is readable on a terminal (needs tmux)",
  ignore: !hasTerminal,
  async fn() {
    await using terminal = await Terminal.open(["call", "a.b", "--endpoint", "127.0.0.1:1"]);
    const shown = await terminal.until((text) => /^selvage ended with 6$/m.test(text));
    assert.match(
      shown,
      /^WorkerUnavailable: worker 127\.0\.0\.1:1 cannot be reached: ECONNREFUSED/m,
    );
    assert.doesNotMatch(shown, /[{}]/);
  },
});

Deno.test({
  name: "a result is readable on a terminal, and JSON with --json (needs tmux)",
  ignore: !hasTerminal,
  async fn() {
    await using worker = await WorkerServer.start({ routines: { add }, listen: "127.0.0.1:0" });
    const describe = ["describe", "--endpoint", worker.address];
    await using terminal = await Terminal.open(describe);
    const shown = await terminal.until((text) => /^selvage ended with 0$/m.test(text));
    assert.match(shown, /^ROUTINE +SHAPE +IDEMPOTENT +VERSION$[^]*^math\.add +call /m);
    assert.doesNotMatch(shown, /[{}]/);
    await using other = await Terminal.open([...describe, "--json"]);
    const json = await other.until((text) => /^selvage ended with 0$/m.test(text));
    assert.match(json, /^\{"id":"/m);
  },
});

function helpOf(name: string): string {
  const { command } = leavesOf(allCommands()).find((leaf) => leaf.name === name)!;
  let help = "";
  command.configureOutput({ writeOut: (text) => help += text });
  command.outputHelp();
  return help;
}

/** The words of each example, as a shell splits them; what is before or behind `selvage` is the shell's. */
function examplesOf(help: string): readonly (readonly string[])[] {
  const shown = help.slice(help.indexOf("\nExamples:")).replace(/ \\\n\s+/g, " ");
  return shown.split("\n").flatMap((line) => {
    const own = /(?:^ {2}|\$\(|\| |\/)(?:selvage|cli) ([^>)]*)/.exec(line)?.[1];
    return own === undefined ? [] : [wordsOf(own)];
  });
}
