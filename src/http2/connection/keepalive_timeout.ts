/** A peer has answered no PING in time: it is gone, cut off, stopped, or its event loop is blocked. */
export class KeepaliveTimeout extends Error {
  /** Always `KeepaliveTimeout`. */
  override readonly name = "KeepaliveTimeout";

  /**
   * Made when the time is over.
   *
   * @param timeoutMs How long its answer was waited for, in milliseconds.
   */
  constructor(timeoutMs: number) {
    super(`no answer to a keepalive PING within ${timeoutMs} ms`);
  }
}
