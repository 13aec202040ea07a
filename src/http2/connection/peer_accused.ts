import type { ErrorCode } from "../error_code.ts";

/** A peer has ended a connection by a GOAWAY that blames this end (RFC 9113 §6.8). */
export class PeerAccused extends Error {
  /** Always `PeerAccused`. */
  override readonly name = "PeerAccused";
  /** The error code of that GOAWAY. */
  readonly code: ErrorCode;
  /** Its debug data, as far as it was kept. */
  readonly debugData: Uint8Array;

  /** Made when such a connection ends with streams that are open. */
  constructor(code: ErrorCode, debugData: Uint8Array, options?: ErrorOptions) {
    super(`the peer ended the connection with the HTTP/2 error code ${code}`, options);
    this.code = code;
    this.debugData = debugData;
  }
}
