import { fileURLToPath } from "node:url";
import { ConfigurationError } from "../errors/mod.ts";
import { environmentVariable } from "../platform/mod.ts";
import { modeOf } from "./assemble.ts";
import type { CredentialPart, CredentialParts, PartName } from "./parts.ts";
import { configurationError } from "./rejection.ts";

/** Credentials in files. Mutual TLS needs `ca`, `cert` and `key`. */
export interface CredentialFiles {
  /** The authorities to trust: a file of PEM, or `"system"` for the public roots. */
  readonly ca?: string | URL | undefined;
  /** Our certificate and its chain, a file of PEM, leaf first. */
  readonly cert?: string | URL | undefined;
  /** Our private key, a file of PEM; what stands beside the key in it is passed over. */
  readonly key?: string | URL | undefined;
  /**
   * One file of PEM in place of `cert` and `key`: the key and the chain, leaf first, as a Kubernetes pod
   * certificate's `credentialBundlePath` is one.
   */
  readonly bundle?: string | URL | undefined;
  /**
   * Only one end shows a certificate: with `cert` and `key` ours, as a worker, and clients are not
   * asked for one; with `ca` alone the worker's, as a caller. Default false.
   */
  readonly oneWay?: boolean | undefined;
}

const PART_NAMES: readonly PartName[] = ["ca", "cert", "key"];

/** What variables' names begin with where nothing else is said. */
const ENV_PREFIX = "SELVAGE_";

/** The parts of `Credentials.fromFiles` and `.watchFiles`. */
export function partsOfFiles(files: CredentialFiles): CredentialParts {
  const given = new Map<PartName, string>();
  for (const name of PART_NAMES) {
    const file = files[name] ?? (name === "ca" ? undefined : files.bundle);
    if (file !== undefined) given.set(name, pathOf(file));
  }
  if (files.bundle !== undefined && (files.cert !== undefined || files.key !== undefined)) {
    throw new ConfigurationError(
      "bundle holds the certificate and the key: give it, or both of them",
      {
        setting: "bundle",
      },
    );
  }
  return checked(given, (name, path) => fileUnlessSystem(name, path), files.oneWay ?? false);
}

/** The parts of `Credentials.fromEnv`, as the environment is now. */
export function partsOfEnv(prefix: string = ENV_PREFIX): CredentialParts {
  const given = new Map<PartName, string>();
  for (const name of PART_NAMES) {
    const value = environmentVariable(prefix + name.toUpperCase());
    if (value !== undefined) given.set(name, value);
  }
  const oneWay = environmentVariable(`${prefix}ONE_WAY`);
  if (oneWay !== undefined && oneWay !== "0" && oneWay !== "1") {
    throw new ConfigurationError(`${prefix}ONE_WAY must be 1 or 0`, { setting: "oneWay" });
  }
  return checked(given, textOrFile, oneWay === "1");
}

/** The parts of `Credentials.trustOnly`. */
export function partsOfTrust(ca: string | URL): CredentialParts {
  return checked(new Map([["ca", pathOf(ca)]]), textOrFile, true);
}

function checked(
  given: ReadonlyMap<PartName, string>,
  part: (name: PartName, value: string) => CredentialPart,
  oneWay: boolean,
): CredentialParts {
  const mode = modeOf({ ...Object.fromEntries(given), oneWay });
  if (typeof mode !== "string") throw configurationError(mode);
  return {
    parts: new Map([...given].map(([name, value]) => [name, part(name, value)])),
    oneWay,
  };
}

function fileUnlessSystem(name: PartName, value: string): CredentialPart {
  return name === "ca" && value === "system"
    ? { kind: "text", text: value }
    : { kind: "file", path: value };
}

function textOrFile(name: PartName, value: string): CredentialPart {
  const isText = value.includes("-----BEGIN ") || value.trimStart().startsWith("{");
  return isText ? { kind: "text", text: value } : fileUnlessSystem(name, value);
}

function pathOf(file: string | URL): string {
  return file instanceof URL ? fileURLToPath(file) : file;
}
