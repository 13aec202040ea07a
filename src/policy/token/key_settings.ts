import { fileURLToPath } from "node:url";
import { unusable } from "../../errors/mod.ts";
import { readTextFile } from "../../platform/mod.ts";
import { configuredKeySet } from "./key_set.ts";
import { fileKeys, remoteKeys } from "./key_source.ts";
import { fixedKeys, type Keys, RefreshedKeys } from "./refreshed_keys.ts";

/** Where the keys are that tokens are verified by. */
export interface KeySetOptions {
  /**
   * The keys: an `https` URL, a `file` URL, `{ file: PATH }`, or a JSON Web Key Set as a value. What is read is
   * read again every five minutes, and when a token names a key that is not known.
   */
  readonly jwks: string | URL | { readonly file: string } | JsonWebKeySet;
  /**
   * The authorities that the server of the keys is verified by, and no others: PEM text, or `{ file: PATH }`.
   * Default: the platform's.
   */
  readonly ca?: string | { readonly file: string };
  /** A file whose text is sent to the server of the keys as a bearer token. Default: none. */
  readonly jwksTokenFile?: string;
  /** How long reading the keys may take, in milliseconds. Default 5,000. */
  readonly jwksTimeoutMs?: number;
}

/** A larger file is neither a bundle of authorities nor a token. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** A JSON Web Key Set (RFC 7517 §5). */
export interface JsonWebKeySet {
  /** Its keys. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/**
 * The keys of settings.
 *
 * @throws {ConfigurationError} If the settings name none.
 */
export function keysFrom(options: KeySetOptions): Keys {
  const { jwks, jwksTimeoutMs: timeoutMs = 5_000 } = options;
  if (!(timeoutMs > 0 && timeoutMs <= 60_000)) {
    throw unusable(
      "jwksTimeoutMs",
      `jwksTimeoutMs is a number of milliseconds up to 60,000, not ${timeoutMs}`,
    );
  }
  if (typeof jwks === "object" && jwks !== null && "keys" in jwks) {
    return fixedKeys(configuredKeySet(jwks, "jwks"));
  }
  if (typeof jwks === "object" && jwks !== null && "file" in jwks) {
    return new RefreshedKeys(fileKeys(jwks.file));
  }
  const url = urlOf(jwks);
  if (url.protocol === "file:") return new RefreshedKeys(fileKeys(fileURLToPath(url)));
  const { ca, jwksTokenFile } = options;
  return new RefreshedKeys(remoteKeys(url, {
    timeoutMs,
    ...(ca === undefined ? {} : { ca: pemOf(ca) }),
    ...(jwksTokenFile === undefined ? {} : {
      authorization: async () =>
        `Bearer ${(await readTextFile(jwksTokenFile, MAX_FILE_BYTES)).trim()}`,
    }),
  }));
}

function urlOf(jwks: unknown): URL {
  if (jwks instanceof URL) return jwks;
  if (typeof jwks === "string" && URL.canParse(jwks)) return new URL(jwks);
  const given = typeof jwks === "string"
    ? `${JSON.stringify(jwks)} is not a URL`
    : "it is required";
  throw unusable(
    "jwks",
    `jwks: ${given}; write an https or file URL, { file: PATH } or a JSON Web Key Set`,
  );
}

/** What is no PEM would trust nobody here, or everybody the platform trusts: neither is what was meant. */
function pemOf(ca: string | { readonly file: string }): () => Promise<string> {
  const checked = (text: string) => {
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
    throw unusable("ca", "ca holds no PEM certificate");
  };
  if (typeof ca !== "string") {
    return async () => checked(await readTextFile(ca.file, MAX_FILE_BYTES));
  }
  const text = checked(ca);
  return () => Promise.resolve(text);
}
