/**
 * What a pool and its children tell each other, one JSON line a message: the pool through the
 * child's standard input, the child through its standard output.
 */

import type { WorkerLimits } from "../worker/mod.ts";
import type { DiscoveredWorker } from "../discovery/mod.ts";
import type { CredentialPem } from "../credentials/mod.ts";
import type { DenylistEntries, VerdictMode } from "../identity/mod.ts";
import type { UnstampedEvent } from "../observe/mod.ts";
import type { Policy, PortableAuthenticator } from "../policy/mod.ts";

/** Key material; it is only ever in memory and in this pipe. */
export interface HandedCredentials extends Omit<CredentialPem, "domains"> {
  /** The authorities of SPIFFE trust domains, PEM by domain. */
  readonly domains?: readonly (readonly [domain: string, pem: string])[];
}

/** Where a child's routines call others, and who they are there. */
export interface HandedDispatcher {
  /** A discovery URL. */
  readonly discovery: string;
  readonly credentials?: HandedCredentials | undefined;
  readonly identity?: string | readonly string[] | undefined;
  readonly verdict?: VerdictMode | undefined;
  readonly denylist?: string | DenylistEntries | undefined;
}

/** Makes credentials ready for the pipe. */
export function handedOver({ domains, ...pem }: CredentialPem): HandedCredentials {
  return domains === undefined ? pem : { ...pem, domains: [...domains] };
}

/** Credentials that came through the pipe. */
export function takenOver({ domains, ...pem }: HandedCredentials): CredentialPem {
  return domains === undefined ? pem : { ...pem, domains: new Map(domains) };
}

/** What a pool sends to a child. The end of the input means that the pool is gone. */
export type ToChild =
  | {
    /** Always the first message: what to serve, as whom, and to whom. */
    readonly kind: "begin";
    readonly id: string;
    readonly modules: readonly string[];
    readonly credentials: HandedCredentials;
    readonly identity: string;
    /** Who may connect: the pool, and its children where they call each other. */
    readonly allow: readonly string[];
    /** Whether its routines call the others. */
    readonly siblings: boolean;
    readonly tags: readonly string[];
    readonly threads?: number;
    readonly limits: WorkerLimits;
    /** Who may call what: rules, or the path of a file of them. */
    readonly policy?: Policy | string | undefined;
    /** What verifies tokens. */
    readonly authenticate?: PortableAuthenticator | undefined;
    /** Where its routines call others; on itself where there is nothing here. */
    readonly dispatcher?: HandedDispatcher;
  }
  | {
    /** New ones take the place of the worker's, or of its dispatcher's. */
    readonly kind: "credentials";
    readonly for: "worker" | "dispatcher";
    readonly credentials: HandedCredentials;
  }
  | {
    /** The workers of the pool that are ready, itself among them. */
    readonly kind: "siblings";
    readonly workers: readonly DiscoveredWorker[];
  }
  | {
    /** Finish what is under way, then exit. */
    readonly kind: "drain";
    readonly graceMs: number;
  }
  | {
    /** To be answered by `worker.alive` with the same number, from the event loop. */
    readonly kind: "ping";
    readonly ping: number;
  };

/** What a child reports to its pool. */
export type FromChild =
  | {
    readonly event: "worker.ready";
    readonly id: string;
    readonly address: string;
    readonly url: string;
    readonly security: string;
  }
  | {
    /** What the worker reports of itself, for those who listen to the pool. */
    readonly event: "worker.emitted";
    readonly emitted: UnstampedEvent;
  }
  | {
    /** Answers a ping. */
    readonly event: "worker.alive";
    readonly ping: number;
  }
  | {
    /** It will never be ready; the process exits. */
    readonly event: "worker.failed";
    readonly name: string;
    readonly message: string;
  };

/** Writes a message as its line. */
export function lineOf(message: ToChild | FromChild): string {
  return `${JSON.stringify(message)}\n`;
}

/** Reads a child's line; `undefined` where it is something else, that a routine printed for instance. */
export function readFromChild(line: string): FromChild | undefined {
  if (!line.startsWith('{"event":"worker.')) return undefined;
  const message: unknown = parse(line);
  if (typeof message !== "object" || message === null || !("event" in message)) return undefined;
  switch (message.event) {
    case "worker.ready":
      return hasTexts(message, ["id", "address", "url", "security"])
        ? message as FromChild
        : undefined;
    case "worker.emitted":
      return "emitted" in message ? message as FromChild : undefined;
    case "worker.alive":
      return "ping" in message ? message as FromChild : undefined;
    case "worker.failed":
      return hasTexts(message, ["name", "message"]) ? message as FromChild : undefined;
    default:
      return undefined;
  }
}

function hasTexts(message: object, names: readonly string[]): boolean {
  return names.every((name) => typeof (message as Record<string, unknown>)[name] === "string");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // not a message at all
  }
}
