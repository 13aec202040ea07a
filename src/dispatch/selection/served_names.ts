import type { Endpoint } from "../endpoint/endpoint.ts";

/** What the workers of one version of a program serve. */
interface Version {
  /** Which it is, in keys. */
  readonly number: number;
  /** Routines, and services, as a list; `undefined` where a worker has not said it. */
  readonly list: string | undefined;
  /** Those of the list, once something was looked up among them. */
  names?: ReadonlySet<string>;
  /** How many of the endpoints are of this version. */
  count: number;
}

/** Those that serve a name. */
export interface Serving {
  /** Names them in a cache, until the index changes. */
  readonly key: string;
  /** Whether an endpoint is one of them; one that takes no calls now may be. */
  has(endpoint: Endpoint): boolean;
}

/** Separates the names in a list: none has it. */
export const BETWEEN_NAMES = "\n";

/** Separates a routine from its version, where the worker has said one. */
const BEFORE_VERSION = "\t";

/** How a list has a routine of a version; beside it is the routine's name alone. */
export function ofVersion(name: string, version: string): string {
  return name + BEFORE_VERSION + version;
}

/** So many names are remembered; a caller could make up any number. */
const MAX_REMEMBERED = 4_096;

/**
 * Which endpoints serve what, as their workers have said when they were connected. As long as all of them say the
 * same, as outside of a deploy, there is nothing to look up.
 */
export class ServedNames {
  readonly #versions = new Map<string, Version>();
  readonly #versionOf = new Map<Endpoint, Version>();
  readonly #remembered = new Map<string, Serving | undefined>();
  #numbers = 0;

  /** An endpoint takes calls now, of these names where it has said which. */
  add(endpoint: Endpoint, list: string | undefined): void {
    const key = list ?? "";
    let version = this.#versions.get(key);
    if (version === undefined) {
      version = { number: this.#numbers++, list, count: 0 };
      this.#versions.set(key, version);
      this.#remembered.clear();
    }
    version.count += 1;
    this.#versionOf.set(endpoint, version);
  }

  /** An endpoint takes no calls any more. */
  remove(endpoint: Endpoint): void {
    const version = this.#versionOf.get(endpoint);
    if (version === undefined) return;
    this.#versionOf.delete(endpoint);
    if (--version.count > 0) return;
    for (const [key, one] of this.#versions) if (one === version) this.#versions.delete(key);
    this.#remembered.clear();
  }

  /**
   * Which endpoints serve a routine or method; `undefined` where all may, also where none says that it does: a
   * worker does not list what its policy denies now.
   */
  serving(name: string | undefined): Serving | undefined {
    if (this.#versions.size < 2 || name === undefined) return undefined;
    if (this.#remembered.has(name)) return this.#remembered.get(name);
    const serving = this.#find(name);
    if (this.#remembered.size === MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(name, serving);
    return serving;
  }

  /** Which endpoints serve that version of a routine; `undefined` where all do, or none says so. */
  servingVersion(name: string | undefined, version: string | undefined): Serving | undefined {
    if (name === undefined || version === undefined) return undefined;
    return this.serving(ofVersion(name, version));
  }

  #find(name: string): Serving | undefined {
    const service = name.slice(0, Math.max(0, name.indexOf("/")));
    const versions = [...this.#versions.values()];
    const listing = versions.filter((one) => lists(one, name) || lists(one, service));
    if (listing.length === 0) return undefined;
    const able = new Set([...listing, ...versions.filter(({ list }) => list === undefined)]);
    if (able.size === versions.length) return undefined;
    const versionOf = this.#versionOf;
    return {
      key: [...able].map(({ number }) => number).join(),
      has(endpoint) {
        const version = versionOf.get(endpoint);
        return version === undefined || able.has(version);
      },
    };
  }
}

function lists(version: Version, name: string): boolean {
  if (version.list === undefined) return false;
  version.names ??= new Set(version.list.split(BETWEEN_NAMES));
  return version.names.has(name);
}
