import type { HandshakeEvidence } from "./evidence.ts";
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

/** A connection to a worker could not be proven: which worker, which side refused, and why. */
export class HandshakeError extends SelvageError implements HandshakeFailure {
  override readonly name = "HandshakeError";
  readonly side: HandshakeSide;
  readonly reason: HandshakeReason;
  readonly peerReason?: PeerReason;
  readonly worker: WorkerRef;
  readonly evidence: HandshakeEvidence;

  constructor(failure: HandshakeFailure, options?: ErrorOptions) {
    super(sentence(failure), options);
    this.side = failure.side;
    this.reason = failure.reason;
    if (failure.peerReason !== undefined) this.peerReason = failure.peerReason;
    this.worker = failure.worker;
    this.evidence = failure.evidence;
  }
}

function sentence({ reason, peerReason, worker, evidence }: HandshakeFailure): string {
  const why = peerReason === undefined ? reason : `${reason} (${peerReason})`;
  const parts = [`handshake with worker ${worker.address} failed: ${why}`];
  if (evidence.found !== undefined) parts.push(evidence.found);
  if (evidence.advice !== undefined) parts.push(evidence.advice);
  return parts.join("; ");
}
