import type { Tool } from "../foreign/tool.ts";
import type { Workshop } from "./workshop.ts";

/** The host name that every issuer is asked to certify. */
export const WORKER_NAME = "worker.example";
/** The host name of the caller. */
export const CALLER_NAME = "caller.example";
/** The SPIFFE ID of workers, of issuers that give one. */
export const WORKER_SPIFFE = "spiffe://example.org/worker";

/** A certificate with its key, as an end of a connection holds them. */
export interface Held {
  /** What is presented, leaf first, PEM. */
  readonly cert: string;
  /** PKCS #8, PKCS #1 or SEC 1, PEM. */
  readonly key: string;
}

/** What an issuer made. */
export interface Issued {
  /** The file that its users configure as `ca`, PEM. */
  readonly ca: string;
  readonly worker: Held;
  /** The caller's certificate; left out where the worker's is used for both. */
  readonly caller?: Held;
}

/** One way to have certificates made by a tool that people use. */
export interface Issuer {
  /** The tool and what it was asked for. */
  readonly name: string;
  /** What has to be installed. */
  readonly tool: Tool;
  /** Has the tool make an authority and certificates, with its defaults but for what `name` says. */
  issue(workshop: Workshop): Promise<Issued>;
}
