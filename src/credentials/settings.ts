import { type ConfigurationError, unusable } from "../errors/mod.ts";
import { environmentVariable } from "../platform/mod.ts";
import { modeOf } from "./assemble.ts";
import { type CaFiles, type CaValues, caValues, labelledCa, pathOf } from "./files/ca_files.ts";
import type { CredentialPem } from "./material.ts";
import type { CredentialPart, CredentialParts, PartName } from "./parts.ts";
import { configurationError, type CredentialRejection } from "./rejection.ts";

/** Credentials in files. Mutual TLS needs `ca`, `cert` and `key`. */
export interface CredentialFiles {
  /**
   * The authorities to trust: a file of PEM, `"system"` for the public roots, or files by SPIFFE trust domain,
   * `{ "": "ca.pem", "other.org": "other.pem" }`.
   */
  readonly ca?: string | URL | CaFiles | undefined;
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

/** Settings of `Credentials.fromEnv`. */
export interface CredentialEnvOptions {
  /** What the variables' names begin with. Default `SELVAGE_`. */
  readonly prefix?: string;
}

/** What `Credentials.fromPem` takes. */
export interface CredentialTexts extends Omit<CredentialPem, "ca"> {
  /**
   * The authorities to trust, PEM; `"system"` for the public roots. By SPIFFE trust domain as files are:
   * each text vouches for the SPIFFE IDs of its domain alone, and the one of the empty name for host
   * names and our own trust domain.
   */
  readonly ca?: string | Readonly<Record<string, string>>;
}

/** What `Credentials.trustOnly` takes. */
export interface TrustOnly {
  /** The authorities to trust: a path, PEM, `"system"` for the public roots, or files by SPIFFE trust domain. */
  readonly ca: string | URL | CaFiles;
}

const PART_NAMES: readonly PartName[] = ["ca", "cert", "key"];

/** What variables' names begin with where nothing else is said. */
const ENV_PREFIX = "SELVAGE_";

/** The parts of `Credentials.fromFiles` and `.watchFiles`. */
export function partsOfFiles(files: CredentialFiles): CredentialParts {
  const given = new Map<PartName, string>();
  const { ca, domains } = caValues(files.ca);
  if (ca !== undefined) given.set("ca", ca);
  for (const name of ["cert", "key"] as const) {
    const file = files[name] ?? files.bundle;
    if (file !== undefined) given.set(name, pathOf(file));
  }
  if (files.bundle !== undefined && (files.cert !== undefined || files.key !== undefined)) {
    throw unusable(
      "bundle",
      "bundle holds the certificate and the key: give it, or both of them",
    );
  }
  return checked(given, domains, fileUnlessSystem, files.oneWay ?? false);
}

/** The parts of `Credentials.fromEnv`, as the environment is now. */
export function partsOfEnv(prefix: string = ENV_PREFIX): CredentialParts {
  const given = new Map<PartName, string>();
  for (const name of PART_NAMES) {
    const value = environmentVariable(prefix + name.toUpperCase());
    if (value !== undefined) given.set(name, value);
  }
  const { ca, domains } = caOfVariable(given.get("ca"), `${prefix}CA`);
  if (ca === undefined) given.delete("ca");
  else given.set("ca", ca);
  const oneWay = environmentVariable(`${prefix}ONE_WAY`);
  if (oneWay !== undefined && oneWay !== "0" && oneWay !== "1") {
    throw unusable("oneWay", `${prefix}ONE_WAY must be 1 or 0`);
  }
  const variableOf = (name: PartName) => prefix + name.toUpperCase();
  return checked(
    given,
    domains,
    (name, value) => ({ ...textOrFile(name, value), variable: variableOf(name) }),
    oneWay === "1",
    variableOf,
  );
}

/** The parts of `Credentials.trustOnly`. */
export function partsOfTrust(trust: string | URL | CaFiles): CredentialParts {
  const { ca, domains } = caValues(trust);
  const given = new Map<PartName, string>(ca === undefined ? [] : [["ca", ca]]);
  return checked(given, domains, textOrFile, true);
}

/** PEM, or files with commas between them. */
function caOfVariable(value: string | undefined, variable: string): CaValues {
  if (value === undefined || isText(value)) return caValues(value);
  try {
    return caValues(labelledCa(value.split(",").map((file) => file.trim())));
  } catch (cause) {
    const { message } = cause as ConfigurationError;
    throw unusable("ca", `${variable}: ${message}`, cause);
  }
}

function checked(
  given: ReadonlyMap<PartName, string>,
  domains: ReadonlyMap<string, string>,
  part: (name: PartName, value: string) => CredentialPart,
  oneWay: boolean,
  variableOf?: (name: PartName) => string,
): CredentialParts {
  const mode = modeOf({ ...Object.fromEntries(given), domains, oneWay });
  if (typeof mode !== "string") throw configurationError(namingVariable(mode, given, variableOf));
  return {
    parts: new Map([...given].map(([name, value]) => [name, part(name, value)])),
    domains: new Map([...domains].map(([domain, value]) => [domain, part("ca", value)])),
    oneWay,
  };
}

/** A fault of variables names the one to set, or to change. */
function namingVariable(
  fault: CredentialRejection,
  given: ReadonlyMap<PartName, string>,
  variableOf: ((name: PartName) => string) | undefined,
): CredentialRejection {
  const { setting, message } = fault;
  if (variableOf === undefined || !isPart(setting)) return fault;
  const state = given.has(setting) ? "" : " is not set";
  return { ...fault, message: `${variableOf(setting)}${state}: ${message}` };
}

function isPart(setting: string): setting is PartName {
  return PART_NAMES.some((name) => name === setting);
}

function fileUnlessSystem(name: PartName, value: string): CredentialPart {
  return name === "ca" && value === "system"
    ? { kind: "text", text: value }
    : { kind: "file", path: value };
}

function textOrFile(name: PartName, value: string): CredentialPart {
  return isText(value) ? { kind: "text", text: value } : fileUnlessSystem(name, value);
}

function isText(value: string): boolean {
  return value.includes("-----BEGIN ") || value.trimStart().startsWith("{");
}
