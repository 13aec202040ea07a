/** The newcomer's path: a copy of what is tracked, and the commands and programs of README.md as they stand there. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasTerminal, Terminal } from "./cli/terminal.ts";
import { Journal } from "./support/journal.ts";
import { TestProcess } from "./support/test_process.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** What the commands of the page need. */
const COPIED = ["deno.json", "deno.lock", "mod.ts", "src", "examples", "README.md"];

Deno.test("README.md works as copied: install, a pool, certificates, workers, calls, a fleet, a refused handshake", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const clone = join(folder, "clone");
  await copyTracked(clone);
  await Deno.mkdir(join(folder, "bin"));
  await Deno.symlink(Deno.execPath(), join(folder, "bin", "deno"));
  const page = await Deno.readTextFile(join(clone, "README.md"));
  const blocks = [...page.matchAll(/```(sh|ts ignore|text)\n(.*?)\n```/gs)].map(([, kind, text]) =>
    [kind!, text!] as const
  );
  const commands = blocks.filter(([kind]) => kind === "sh")
    .flatMap(([, text]) => text.replaceAll(/ *\\\n */g, " ").split("\n"));
  const starting = (words: string): string[] => commands.filter((one) => one.startsWith(words));
  const [install] = starting("deno install ");
  const certs = starting("selvage certs ");
  const [worker, call, top, doctor] = ["worker", "call", "top", "doctor"].map((name) =>
    starting(`selvage ${name} `)[0]!
  );
  const [variables] = starting("export ");
  // Every command of the page is one of these, or runs this test.
  assert.equal(commands.at(-1), "npx -y deno@2.9.6 task test");
  assert.equal(commands.length, certs.length + 7);
  assert.equal(certs.length, 3);
  const [, program = ""] = blocks.find(([kind]) => kind === "ts ignore") ?? [];
  const [, picture = ""] = blocks.find(([kind]) => kind === "text") ?? [];
  const env = {
    PATH: `${folder}/bin:${folder}/installed/bin:${Deno.env.get("PATH")}`,
    DENO_INSTALL_ROOT: `${folder}/installed`,
  };
  let logged = "";
  const shell = async (script: string | undefined, code = 0): Promise<string> => {
    const lines: string[] = [];
    const errors: string[] = [];
    await using running = new TestProcess("sh", {
      args: ["-c", `cd '${clone}' && ${script}`],
      env,
      onLine: (line) => void lines.push(line),
      onErrorLine: (line) => void errors.push(line),
    });
    const ended = await running.ended;
    assert.equal(ended.code, code, `${script}\n${errors.join("\n")}`);
    logged = errors.join("\n");
    return lines.join("\n");
  };
  const asClient = (command: string): string => `${variables} && ${command}`;
  await shell(install);
  const [, name = ""] = /^\/\/ (\w+\.ts)$/m.exec(program) ?? [];
  await Deno.writeTextFile(join(clone, name), program);
  assert.ok(page.includes(`\`deno run -A ${name}\``));
  assert.equal(await shell(`deno run -A ${name}`), "3\n2\n3\n5\n7");
  // A library writes no log unless its application configures one.
  assert.doesNotMatch(logged, /\b(?:INF|INFO|WRN|WARN|ERR|ERROR)\b|selvage/);
  // The installed command needs no configuration beside it.
  const elsewhere = join(folder, "elsewhere");
  await Deno.mkdir(elsewhere);
  await shell(`cd '${elsewhere}' && ${certs[0]}`);
  await shell(certs.join(" && "));
  const serve = async () => {
    const lines = new Journal<string>();
    const serving = stack.use(
      new TestProcess("sh", {
        // The port is the one thing that is not as copied: the worker chooses it.
        args: ["-c", `cd '${clone}' && exec ${worker!.replace("127.0.0.1:8443", "127.0.0.1:0")}`],
        env,
        onLine: (line) => lines.add(line),
        onErrorLine: () => {},
      }),
    );
    void serving.ended.then(() => lines.end());
    const ready = await lines.until((line) => line.includes('"event":"worker.ready"'));
    return { serving, address: JSON.parse(ready).address as string };
  };
  const { serving, address } = await serve();
  const another = await serve();
  const at = (text: string): string => text.replaceAll("127.0.0.1:8443", address);
  assert.equal(await shell(asClient(at(call!))), "3");
  const both = asClient(top!.replace("127.0.0.1:8443", `${address},${another.address}`));
  assert.match(await shell(`${both} --once --timeout 60s`), /^2 workers, 2 ready, 0 in flight$/m);
  if (hasTerminal) {
    const paths = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const line = `cd '${clone}' && ${both}`;
    await using terminal = await Terminal.run(["env", ...paths, "sh", "-c", line]);
    await terminal.until((text) => /^2 workers, 2 ready/m.test(text));
    await terminal.press("q");
    await terminal.until((text) => /^selvage ended with 0$/m.test(text));
  }
  assert.equal(await shell(asClient(at(call!)).replace("org/worker", "org/another"), 4), "");
  const shown = await shell(asClient(at(doctor!)), 4);
  // Whole parts: a line that is printed between two of the page is missing there.
  for (const part of at(picture).trimEnd().split("\n…\n")) {
    assert.ok(`\n${shown}`.includes(`\n${part}\n`), `${part}\nis not in\n${shown}`);
  }
  serving.kill("SIGTERM");
  assert.equal((await serving.ended).code, 0);
});

Deno.test("README.md's settings link the clone to a project with imports of its own", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const page = await Deno.readTextFile(join(ROOT, "README.md"));
  const [, settings = ""] = /`deno\.json`, `(\{.*\})`/.exec(page) ?? [];
  const { exports, name } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  assert.ok(page.includes(`deno run -A ${name}/cli worker`) && "./cli" in exports);
  const { links } = JSON.parse(settings);
  assert.deepEqual(links, ["../selvage"]);
  const files = {
    "deno.json": JSON.stringify({ links: [ROOT], imports: { mine: "./mine.ts" } }),
    "mine.ts": "export const one = 1;\n",
    "math.ts":
      'import { one } from "mine";\nimport { routine } from "@selvage/runtime/routine";\n' +
      'export const add = routine("math.add", (a: number) => a + one);\nconsole.log(add.name);\n',
  };
  for (const [file, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(folder, file), text);
  }
  const lines: string[] = [];
  // What declares routines needs no package, so that nothing is downloaded here.
  await using running = new TestProcess(Deno.execPath(), {
    args: ["run", "--cached-only", "math.ts"],
    cwd: folder,
    onLine: (line) => void lines.push(line),
  });
  assert.equal((await running.ended).code, 0);
  assert.deepEqual(lines, ["math.add"]);
});

Deno.test("every page and file that README.md and docs/ link to is there", async () => {
  const pages = ["README.md", "deploy/README.md"];
  for (const { name } of Deno.readDirSync(join(ROOT, "docs"))) {
    if (name.endsWith(".md")) pages.push(`docs/${name}`);
  }
  for (const page of pages) {
    const text = await Deno.readTextFile(join(ROOT, page));
    for (const [, link = ""] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(link)) continue;
      const target = join(ROOT, dirname(page), link);
      assert.ok(await Deno.stat(target).then(() => true, () => false), `${page}: ${link}`);
    }
  }
});

/** Copies what git tracks, as a fresh clone has it, with what was changed since. */
async function copyTracked(target: string): Promise<void> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--", ...COPIED],
    cwd: ROOT,
  }).output();
  const paths = new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
  assert.ok(paths.length > 100);
  for (const path of paths) {
    await Deno.mkdir(join(target, dirname(path)), { recursive: true });
    await Deno.copyFile(join(ROOT, path), join(target, path));
  }
}
