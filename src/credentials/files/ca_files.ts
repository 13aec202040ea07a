import { fileURLToPath } from "node:url";
import { type ConfigurationError, unusable } from "../../errors/mod.ts";
import { isTrustDomain } from "../../identity/mod.ts";

/**
 * Files of authorities by SPIFFE trust domain: each bundle vouches for the SPIFFE IDs of its own domain, and for
 * nothing else. The empty name stands for a bundle without a domain, which vouches for our own trust domain, and for
 * host names.
 */
export interface CaFiles {
  /** A file of PEM; `"system"` only without a domain. */
  readonly [trustDomain: string]: string | URL;
}

/** Bundles as they are given: one without a domain, and those of domains, each a path, text or `"system"`. */
export interface CaValues {
  readonly ca: string | undefined;
  readonly domains: ReadonlyMap<string, string>;
}

/** What stands before a file, `other.org=`; a path with a slash before its `=` has none. */
const LABEL = /^([^/\\=\s]*)=(?=.)/;

/**
 * The bundles of a setting.
 *
 * @throws {ConfigurationError} If a name is not a valid trust domain, or is given the public roots, which vouch for no domain.
 */
export function caValues(given: string | URL | CaFiles | undefined): CaValues {
  if (given === undefined || typeof given === "string" || given instanceof URL) {
    return { ca: given === undefined ? undefined : pathOf(given), domains: new Map() };
  }
  const { "": unlabelled, ...labelled } = given;
  const domains = new Map<string, string>();
  for (const [domain, file] of Object.entries(labelled)) {
    if (!isTrustDomain(domain)) {
      throw fault(`${JSON.stringify(domain)} is not a trust domain (SPIFFE ID §2.1)`);
    }
    if (file === "system") {
      throw fault(`the public roots vouch for no SPIFFE ID, so not for those of ${domain} either`);
    }
    domains.set(domain, pathOf(file));
  }
  return { ca: unlabelled === undefined ? undefined : pathOf(unlabelled), domains };
}

/**
 * Bundles as a flag or a variable gives them, `FILE` or `TRUST-DOMAIN=FILE` each.
 *
 * @throws {ConfigurationError} If two are for the same.
 */
export function labelledCa(values: readonly string[]): string | CaFiles {
  const files: Record<string, string> = Object.create(null);
  for (const value of values) {
    const [label = "", domain = ""] = LABEL.exec(value) ?? [];
    if (files[domain] !== undefined) {
      throw fault(
        domain === ""
          ? "two bundles without a trust domain are given; write TRUST-DOMAIN=FILE for those of other domains"
          : `two bundles are given for ${domain}`,
      );
    }
    files[domain] = value.slice(label.length);
  }
  const { "": only } = files;
  return only !== undefined && Object.keys(files).length === 1 ? only : files;
}

/** The path of a file. */
export function pathOf(file: string | URL): string {
  return file instanceof URL ? fileURLToPath(file) : file;
}

function fault(message: string): ConfigurationError {
  return unusable("ca", message);
}
