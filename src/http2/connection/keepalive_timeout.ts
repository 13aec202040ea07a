/** A peer has answered no PING in time: it is gone, cut off, stopped, or its event loop is blocked. */
export class KeepaliveTimeout extends Error {
  /** Always `KeepaliveTimeout`. */
  override readonly name = "KeepaliveTimeout";

  /** Made when the time is over that its answer was waited for. */
  constructor(timeoutMs: number) {
    super(`no answer to a keepalive PING within ${timeoutMs} ms`);
  }
}
