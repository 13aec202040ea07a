import assert from "node:assert/strict";
import { join } from "node:path";
import { selvage, start, startWorker } from "./command.ts";
import { issue } from "./pki.ts";

const MODULE = new URL("./routines.ts", import.meta.url).pathname;
const MAIN = new URL("../../src/cli/main.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

const tmux = await new Deno.Command("tmux", { args: ["-V"], stdout: "null", stderr: "null" })
  .output().then(({ success }) => success, () => false);

Deno.test("top --once prints a fleet, and a worker with its peers", async () => {
  const pki = await issue();
  const admin = join(await Deno.makeTempDir(), "run", "admin.sock");
  await using worker = await startWorker([
    MODULE,
    ...pki.flags("worker"),
    ...["--allow", "spiffe://x/client", "--admin", admin],
  ]);
  const fleet = (name: string, ...flags: string[]) =>
    selvage([
      ...["top", "--once", "--discover", `static:${worker.address}`, ...pki.flags(name)],
      ...["--identity", "spiffe://x/worker", "--timeout", "60000", ...flags],
    ]);
  const good = await fleet("client");
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^1 workers, 1 ready$/m);
  assert.match(good.out, /^127[.\d:]+ +spiffe:\/\/x\/worker +ready +[\d.]+ ms +\S.* +23 h$/m);
  const bad = JSON.parse((await fleet("stranger", "--json")).out);
  assert.equal(bad.rows[0][2], "failing");
  assert.ok(bad.refusals["client-certificate-refused"] >= 1);

  await using caller = start([
    ...["call", "cli.steps", "[600000]", "--stream", "--endpoint", worker.address],
    ...[...pki.flags("client"), "--identity", "spiffe://x/worker"],
  ]);
  assert.equal(await caller.first, '"begun"');
  const one = await selvage(["top", "--once", "--admin", admin]);
  assert.match(one.out, /spiffe:\/\/x\/worker, certificate 23 h, \d+ connections, 1 in flight/);
  assert.match(one.out, /^\S+ +spiffe:\/\/x\/client +ready +1 +23 h/m);
  assert.match(one.out, /^refusals: subject-not-allowed \d+$/m);
});

Deno.test({
  name: "top draws 80 columns live, and gives the terminal back on q (needs tmux)",
  ignore: !tmux,
  async fn() {
    const admin = join(await Deno.makeTempDir(), "run", "admin.sock");
    await using _worker = await startWorker([MODULE, "--admin", admin]);
    await using terminal = await Terminal.open([
      ...[Deno.execPath(), "run", "-A", "--quiet", "--config", CONFIG, MAIN],
      ...["top", "--admin", admin, "--interval", "100ms"],
    ]);
    const drawn = await terminal.until((text) => /refusals: none/.test(text));
    const lines = drawn.split("\n");
    assert.match(lines[0]!, /^selvage top {2}\S+ 127[.\d:]+ {2}\d\d:\d\d:\d\dZ$/);
    assert.match(drawn, /0 in flight/);
    assert.ok(lines.every((line) => line.length <= 80));
    const clock = /\d\d:\d\d:\d\dZ/.exec(drawn)![0];
    await terminal.until((text) => /\d\d:\d\d:\d\dZ/.test(text) && !text.includes(clock));
    await terminal.press("q");
    await terminal.until((text) => /^top ended with 0$/m.test(text) && !/refusals/.test(text));
  },
});

/** A terminal of 80 columns and 24 rows, in a tmux server of its own. */
class Terminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(command: readonly string[]): Promise<Terminal> {
    const folder = await Deno.makeTempDir();
    const terminal = new Terminal(join(folder, "tmux"));
    const line = command.map((word) => `'${word}'`).join(" ");
    // The shell stays, so that what is left on the screen can be read.
    const script = `${line}; echo "top ended with $?"; exec cat`;
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", script);
    return terminal;
  }

  /** Waits for the screen to hold something. */
  async until(holds: (text: string) => boolean): Promise<string> {
    for (;;) {
      const text = await this.#tmux("capture-pane", "-p");
      if (holds(text)) return text;
    }
  }

  async press(key: string): Promise<void> {
    await this.#tmux("send-keys", key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await new Deno.Command("tmux", {
      args: ["-u", "-S", this.#socket, ...args],
      env: { TERM: "xterm-256color" },
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  }
}
