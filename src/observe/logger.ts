import { getLogger, type Logger } from "@logtape/logtape";

/** The parts of Selvage that log, each under the category `selvage.PART`. */
export type LogPart =
  | "worker"
  | "listener"
  | "peer"
  | "handshake"
  | "credentials"
  | "security"
  | "policy"
  | "dispatch"
  | "discovery"
  | "pool"
  | "spiffe"
  | "routine";

/**
 * The LogTape logger of one part. Nothing is written until the application configures LogTape;
 * the library itself never does.
 */
export function loggerFor(part: LogPart): Logger {
  return getLogger(["selvage", part]);
}
