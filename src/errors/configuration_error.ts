import { SelvageError } from "./selvage_error.ts";

/** A setting, a file or a combination of them cannot be used; found before anything is opened. */
export class ConfigurationError extends SelvageError {
  /** Always `ConfigurationError`. */
  override readonly name = "ConfigurationError";
  /** The option or flag at fault, as the caller writes it. */
  readonly setting?: string;

  /** Made before anything is opened. */
  constructor(message: string, options: { setting?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    if (options.setting !== undefined) this.setting = options.setting;
  }
}

/** The error for one setting, `cause` being what was thrown where that is known. */
export function unusable(setting: string, message: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(message, { setting, cause });
}

/** Runs `read` on the text of a file; a {@linkcode ConfigurationError} of it names the setting and the file. */
export function namingFile<Result>(setting: string, path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const { message, cause } = error;
    const prefix = `${setting}: `;
    const found = message.startsWith(prefix) ? message.slice(prefix.length) : message;
    throw unusable(setting, `${prefix}${path}: ${found}`, cause);
  }
}
