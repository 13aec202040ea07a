import { unusable } from "../errors/mod.ts";
import { systemClock } from "../observe/mod.ts";
import { type Assembled, assembleOnce } from "./assemble.ts";
import { caValues } from "./files/ca_files.ts";
import type { CredentialPem } from "./material.ts";
import { insistOnCredentialNames } from "./option_names.ts";
import { openProvider, type ProvideCredentials, type ProviderOptions } from "./provider.ts";
import { assembleNext } from "./next_version.ts";
import { namingOrigin, readParts } from "./parts.ts";
import { configurationError } from "./rejection.ts";
import {
  type CredentialEnvOptions,
  type CredentialFiles,
  type CredentialTexts,
  partsOfEnv,
  partsOfFiles,
  partsOfTrust,
  type TrustOnly,
} from "./settings.ts";
import type { CredentialsSource, OpenCredentialsOptions } from "./source.ts";
import { CredentialsStore } from "./store.ts";
import { openWatched, type WatchOptions } from "./files/watch_files.ts";
import { present } from "../values/mod.ts";

/**
 * Where a worker's or a caller's certificates come from: a plain value that says so and can be
 * shared; nothing is read before it is opened.
 */
export interface Credentials {
  /**
   * Reads the first version and keeps up with later ones until the result is disposed of.
   *
   * @throws {ConfigurationError} if there is no usable first version.
   * @internal Workers, dispatchers and pools open the credentials they are given.
   */
  open(options?: OpenCredentialsOptions): Promise<CredentialsSource>;
}

/** Credentials of any other origin, such as the SPIFFE Workload API. */
export function credentialsFrom(
  open: (options: OpenCredentialsOptions) => Promise<CredentialsSource>,
): Credentials {
  return Object.freeze({
    open: async (options: OpenCredentialsOptions = {}) => await open(options),
  });
}

/** Where credentials can come from; each rejects an option of a name that it does not have. */
export interface CredentialsFactory {
  /** Files that are read once, when the credentials are opened. */
  fromFiles(files: CredentialFiles): Credentials;
  /** PEM text. */
  fromPem(pem: CredentialTexts): Credentials;
  /**
   * The environment variables `SELVAGE_CA`, `SELVAGE_CERT`, `SELVAGE_KEY`, each
   * a path or PEM, and `SELVAGE_ONE_WAY`, `1` or `0`. `SELVAGE_CA` may hold several files with commas between,
   * `ca.pem,other.org=other.pem`. Files are watched.
   */
  fromEnv(options?: CredentialEnvOptions): Credentials;
  /** Files that are watched: a new version is taken up as soon as it is complete and holds. */
  watchFiles(files: CredentialFiles & WatchOptions): Credentials;
  /** A function that gives PEM text, called again every `refreshMs`. */
  provider(provide: ProvideCredentials, options: ProviderOptions): Credentials;
  /**
   * No certificate of our own, for a caller of one-way TLS; `ca` is a path (watched), PEM, `"system"`, or files by
   * SPIFFE trust domain.
   */
  trustOnly(trust: TrustOnly): Credentials;
}

/**
 * Where credentials come from.
 *
 * @example A worker's or a caller's files, watched
 * ```ts
 * import { Credentials } from "./mod.ts";
 *
 * const credentials = Credentials.watchFiles({
 *   ca: "/run/tls/ca.pem",
 *   cert: "/run/tls/tls.crt",
 *   key: "/run/tls/tls.key",
 * });
 * ```
 */
export const Credentials: CredentialsFactory = Object.freeze({
  fromFiles(files: CredentialFiles): Credentials {
    insistOnCredentialNames("fromFiles", files);
    const parts = partsOfFiles(files);
    return credentialsFrom(async (options) => {
      const read = await readParts(parts);
      if ("kind" in read) throw configurationError(read);
      const assembled = (now: number) => namingOrigin(assembleNext(read, now, undefined), parts);
      return openFixed(assembled, options);
    });
  },

  fromPem(pem: CredentialTexts): Credentials {
    insistOnCredentialNames("fromPem", pem);
    const assembled = assembleOnce(settledTexts(pem));
    return credentialsFrom((options) => Promise.resolve(openFixed(assembled, options)));
  },

  fromEnv(env: CredentialEnvOptions = {}): Credentials {
    insistOnCredentialNames("fromEnv", env);
    return credentialsFrom((options) => openWatched(partsOfEnv(env.prefix), {}, options));
  },

  watchFiles(files: CredentialFiles & WatchOptions): Credentials {
    insistOnCredentialNames("watchFiles", files);
    const parts = partsOfFiles(files);
    return credentialsFrom((options) => openWatched(parts, files, options));
  },

  provider(provide: ProvideCredentials, settings: ProviderOptions): Credentials {
    insistOnCredentialNames("provider", settings);
    if (!(settings.refreshMs > 0)) {
      throw unusable("refreshMs", "refreshMs must be a positive number of milliseconds");
    }
    return credentialsFrom((options) => openProvider(provide, settings, options));
  },

  trustOnly(trust: TrustOnly): Credentials {
    insistOnCredentialNames("trustOnly", trust);
    const parts = partsOfTrust(trust.ca);
    return credentialsFrom((options) => openWatched(parts, {}, options));
  },
});

function settledTexts({ ca: given, ...others }: CredentialTexts): CredentialPem {
  const { ca, domains } = caValues(given);
  for (const domain of others.domains?.keys() ?? []) {
    if (!domains.has(domain)) continue;
    const message = `the authorities of ${domain} are given by ca and by domains`;
    throw unusable("ca", message);
  }
  return {
    ...others,
    ...present({ ca }),
    ...(domains.size === 0 ? {} : { domains: new Map([...others.domains ?? [], ...domains]) }),
  };
}

function openFixed(
  assembled: (now: number) => Assembled,
  options: OpenCredentialsOptions,
): CredentialsSource {
  const store = new CredentialsStore(options);
  store.offerFirst(assembled((options.clock ?? systemClock).now()));
  return Object.assign(store, { fixed: true });
}
