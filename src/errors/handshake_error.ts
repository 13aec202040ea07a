import type { HandshakeEvidence } from "./evidence.ts";
import { escapePeerText } from "./peer_text.ts";
import { SelvageError } from "./selvage_error.ts";
import type { HandshakeReason, HandshakeSide, PeerReason } from "./vocabulary.ts";
import type { WorkerRef } from "./worker_ref.ts";

/** What a {@linkcode HandshakeError} is made of. */
export interface HandshakeFailure {
  /** The side that would not go on. */
  readonly side: HandshakeSide;
  /** Why, in one word of the vocabulary. */
  readonly reason: HandshakeReason;
  /** With `client-certificate-refused`: what the peer says is wrong with our certificate. */
  readonly peerReason?: PeerReason;
  /** The worker at the other end. */
  readonly worker: WorkerRef;
  /** What was seen. */
  readonly evidence: HandshakeEvidence;
}

/** What goes with a {@linkcode HandshakeError} besides its failure. */
export interface HandshakeErrorOptions extends ErrorOptions {
  /** What the message calls the other end: `etcd` for instance. Default: `worker`. */
  readonly called?: string | undefined;
}

/** A connection to a worker could not be proven: which worker, which side refused, and why. */
export class HandshakeError extends SelvageError implements HandshakeFailure {
  /** Always `HandshakeError`. */
  override readonly name = "HandshakeError";
  /** The side that would not go on. */
  readonly side: HandshakeSide;
  /** Why, in one word of the vocabulary. */
  readonly reason: HandshakeReason;
  /** With `client-certificate-refused`: what the peer says is wrong with our certificate. */
  readonly peerReason?: PeerReason;
  /** The worker at the other end. */
  readonly worker: WorkerRef;
  /** What was seen. */
  readonly evidence: HandshakeEvidence;

  /** Made by the end that noticed; the message is one sentence with what was found and what to do. */
  constructor(failure: HandshakeFailure, options?: HandshakeErrorOptions) {
    super(sentence(failure, options?.called ?? "worker"), options);
    this.side = failure.side;
    this.reason = failure.reason;
    if (failure.peerReason !== undefined) this.peerReason = failure.peerReason;
    this.worker = failure.worker;
    this.evidence = failure.evidence;
  }
}

/** Our own sentence around several of a peer's texts, each capped where it was read. */
const SENTENCE_LIMIT = 1024;

function sentence(
  { reason, peerReason, worker, evidence }: HandshakeFailure,
  called: string,
): string {
  const why = peerReason === undefined ? reason : `${reason} (${peerReason})`;
  const parts = [`handshake with ${called} ${escapePeerText(worker.address)} failed: ${why}`];
  if (evidence.found !== undefined) parts.push(escapePeerText(evidence.found, SENTENCE_LIMIT));
  if (reason === "identity-mismatch" && evidence.expected !== undefined) {
    parts.push(escapePeerText(`expected ${evidence.expected.join(", ")}`, SENTENCE_LIMIT));
  }
  if (evidence.advice !== undefined) parts.push(escapePeerText(evidence.advice, SENTENCE_LIMIT));
  return parts.join("; ");
}
