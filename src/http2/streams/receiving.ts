/** The peer's direction of a stream: the window that we gave it, and what of it is in use. */
export class Receiving {
  /** What the peer may still send. */
  window = 0;
  /** The window that credit restores, which may grow. */
  windowBytes = 0;
  /** When credit was given last. */
  creditedAt = -Infinity;
  /** Released octets for which the peer was not given credit yet. */
  owedCredit = 0;
  /** Octets delivered to the receiver and not released. */
  unreleased = 0;
  /** Octets of those for which the connection's credit is withheld until they are released. */
  withheld = 0;
  /** DATA frames that the unreleased octets came in, at most. */
  unreleasedFrames = 0;
  /** Octets of the body that `content-length` still announces, or -1. */
  bodyLeft = -1;
  /** The receiver takes all of the body as it arrives. */
  isTakenWhole = false;
  /** The peer's final header section has arrived. */
  headersReceived = false;
}
