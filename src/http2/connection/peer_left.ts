/** A peer has ended a connection that it had announced to leave, by a GOAWAY that blames nobody (RFC 9113 §6.8). */
export class PeerLeft extends Error {
  /** Always `PeerLeft`. */
  override readonly name = "PeerLeft";

  /** Made when such a connection ends with streams that are open. */
  constructor() {
    super("the peer ended the connection after it had sent GOAWAY");
  }
}
