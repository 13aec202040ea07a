/** A terminal for the tests of the command line: one of tmux. */
import { join } from "node:path";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** Whether tmux is installed. */
export const hasTerminal: boolean = await new Deno.Command("tmux", {
  args: ["-V"],
  stdout: "null",
  stderr: "null",
}).output().then(({ success }) => success, () => false);

/** A terminal of 80 columns and 24 rows, in a tmux server of its own. */
export class Terminal implements AsyncDisposable {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Runs `selvage ARGS` there. */
  static open(args: readonly string[]): Promise<Terminal> {
    const selvage = [Deno.execPath(), "run", "-A", "--quiet", "--config", CONFIG, MAIN];
    return Terminal.run([...selvage, ...args]);
  }

  /** Runs a command there. */
  static async run(command: readonly string[]): Promise<Terminal> {
    const folder = await Deno.makeTempDir();
    const terminal = new Terminal(join(folder, "tmux"));
    const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    // The shell stays, so that what is left on the screen can be read.
    const script = `${line}; echo "selvage ended with $?"; exec cat`;
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

  /** Types a key. */
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
