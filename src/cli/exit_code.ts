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
