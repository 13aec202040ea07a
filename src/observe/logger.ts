import { getLogger, type Logger } from "@logtape/logtape";
import { redacted } from "./redaction.ts";

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

/** A logger of one part; what it is given is redacted before any sink sees it. */
export type PartLogger =
  & Pick<Logger, "isEnabledFor">
  & Readonly<Record<"debug" | "info" | "warn" | "error", WriteLine>>;

/** Writes a line; names in braces are members of `properties`. */
type WriteLine = (text: string, properties: LogProperties) => void;

/** What a line of the log is about. */
export type LogProperties = Readonly<Record<string, unknown>>;

/**
 * The logger of one part, through LogTape. Nothing is written until the application configures LogTape;
 * the library itself never does.
 */
export function loggerFor(part: LogPart): PartLogger {
  let logger = loggers.get(part);
  if (logger === undefined) loggers.set(part, logger = redactingLogger(part));
  return logger;
}

const loggers = new Map<LogPart, PartLogger>();

function redactingLogger(part: LogPart): PartLogger {
  const logger = getLogger(["selvage", part]);
  const shown = (properties: LogProperties) => redacted(properties) as Record<string, unknown>;
  return {
    isEnabledFor: (level) => logger.isEnabledFor(level),
    debug: (text, properties) => logger.debug(text, shown(properties)),
    info: (text, properties) => logger.info(text, shown(properties)),
    warn: (text, properties) => logger.warn(text, shown(properties)),
    error: (text, properties) => logger.error(text, shown(properties)),
  };
}
