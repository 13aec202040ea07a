/** Where Linux distributions keep util-linux's `setpriv`. */
const PROGRAMS = ["/usr/bin/setpriv", "/bin/setpriv"];
/** Makes the kernel end a process as soon as the thread that started it has ended (prctl(2), PR_SET_PDEATHSIG). */
const PARENT_DEATH_SIGNAL = ["--pdeathsig", "KILL"];

/** A command line, without the program's own arguments. */
export interface CommandLine {
  readonly path: string;
  readonly args: readonly string[];
}

/**
 * The command line that starts a program so that the kernel ends it with its parent, even while it
 * computes and cannot notice by itself. The program's own where this machine knows no such thing
 * (macOS, Windows, Alpine without util-linux) or this program may not run it.
 */
export async function endingWithParent(program: string): Promise<CommandLine> {
  for (const path of Deno.build.os === "linux" ? PROGRAMS : []) {
    const { state } = Deno.permissions.querySync({ name: "run", command: path });
    if (state === "granted" && await canSet(path)) {
      return { path, args: [...PARENT_DEATH_SIGNAL, program] };
    }
  }
  return { path: program, args: [] };
}

/** Whether it is there, and not a namesake that knows less. */
async function canSet(program: string): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, {
      args: [...PARENT_DEATH_SIGNAL, program, "--version"],
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
