import { insistOnNames, type OptionNames } from "../errors/mod.ts";
import type { WatchOptions } from "./files/watch_files.ts";
import type { ProviderOptions } from "./provider.ts";
import type {
  CredentialEnvOptions,
  CredentialFiles,
  CredentialTexts,
  TrustOnly,
} from "./settings.ts";

const FILE_NAMES = {
  ca: true,
  cert: true,
  key: true,
  bundle: true,
  oneWay: true,
} satisfies OptionNames<CredentialFiles>;

const WATCH_NAMES: OptionNames<CredentialFiles & WatchOptions> = {
  ...FILE_NAMES,
  debounceMs: true,
  pollMs: true,
  waitMs: true,
};

const TEXT_NAMES = {
  ca: true,
  cert: true,
  key: true,
  oneWay: true,
  domains: true,
} satisfies OptionNames<CredentialTexts>;

/** The names of what each factory takes. */
const NAMES = {
  fromFiles: FILE_NAMES,
  fromPem: TEXT_NAMES,
  fromEnv: { prefix: true } satisfies OptionNames<CredentialEnvOptions>,
  watchFiles: WATCH_NAMES,
  provider: { refreshMs: true } satisfies OptionNames<ProviderOptions>,
  trustOnly: { ca: true } satisfies OptionNames<TrustOnly>,
};

/** @throws {ConfigurationError} If that factory has no option of such a name. */
export function insistOnCredentialNames(of: keyof typeof NAMES, options: object): void {
  insistOnNames(`Credentials.${of}()`, options, NAMES[of]);
}
