import type { Advice } from "../../identity/mod.ts";
import type { CertificateSummary, HandshakeEvidence } from "../../errors/mod.ts";

/** How far an examination came with one step. */
export type Outcome = "passed" | "failed" | "skipped";

/** One step of an examination, and what was seen there. */
export type Step =
  | {
    readonly step: "tcp";
    readonly outcome: Outcome;
    /** Where it led, where there is a connection. */
    readonly remoteAddress?: string | undefined;
    readonly problem?: Problem | undefined;
  }
  | {
    readonly step: "tls";
    readonly outcome: Outcome;
    readonly version?: string | undefined;
    readonly cipher?: string | undefined;
    /** The group of the key exchange; `unknown` with TLS 1.2. */
    readonly keyExchange?: string | undefined;
    readonly alpn?: string | undefined;
    readonly problem?: Problem | undefined;
  }
  | {
    readonly step: "certificate";
    readonly outcome: Outcome;
    /** Its place in the chain, 0 being the leaf. */
    readonly index: number;
    /** What it says; absent where it cannot be read. */
    readonly certificate?: CertificateSummary | undefined;
    /** Whether no path to an authority needs it, so that it is ignored. */
    readonly stray?: boolean | undefined;
    readonly problem?: Problem | undefined;
  }
  | {
    readonly step: "trust" | "own-certificate" | "handshake";
    readonly outcome: Outcome;
    /** The name that was proven, or agreed on. */
    readonly identity?: string | undefined;
    /** Why it was skipped, or passed without a certificate of ours. */
    readonly why?: string | undefined;
    readonly problem?: Problem | undefined;
    /** What could be better about the certificates, where they pass. */
    readonly advice?: readonly Advice[] | undefined;
  };

/** The advice of a step, where there is any. */
export function shown(advice: readonly Advice[]): { readonly advice?: readonly Advice[] } {
  return advice.length === 0 ? {} : { advice };
}

/** A step in which certificates were judged: it has failed for a reason of the vocabulary. */
export function judged(
  step: "own-certificate" | "trust",
  reason: string,
  evidence: HandshakeEvidence,
): Step {
  const message = [evidence.found, evidence.advice].filter((part) => part !== undefined).join("; ");
  const problem = { error: "HandshakeError", reason, message, evidence };
  return { step, outcome: "failed", problem };
}

/** What is wrong, in the words of an error. */
export interface Problem {
  /** The error it would be: `HandshakeError`, `WorkerUnavailable`. */
  readonly error: string;
  /** With a handshake: the word of the vocabulary. */
  readonly reason?: string | undefined;
  /** With `client-certificate-refused`: what the worker says is wrong. */
  readonly peerReason?: string | undefined;
  /** One sentence. */
  readonly message: string;
  readonly evidence?: HandshakeEvidence | undefined;
}
