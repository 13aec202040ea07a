/** How the command ends; scripts branch on it. */
export const ExitCode = {
  done: 0,
  routineThrew: 1,
  usage: 2,
  noWorkers: 3,
  handshake: 4,
  access: 5,
  unavailable: 6,
  deadline: 7,
} as const;

/** One of the exit codes. */
export type ExitCode = typeof ExitCode[keyof typeof ExitCode];

/**
 * The exit code of a command that examines files of our own, where they cannot be used. A private key that is not the
 * certificate's is a wrong pair of files, with which `worker` does not start; anything else is what peers would refuse.
 */
export function exitCodeOfFiles({ rule }: { readonly rule?: string } = {}): ExitCode {
  return rule === "own.key-mismatch" ? ExitCode.usage : ExitCode.handshake;
}
