/** What callers without identity may do while a worker migrates to TLS. */
export interface AnonymousOptions {
  /**
   * The networks that plaintext is accepted from, `10.0.0.0/8` for instance, by the address of the socket: no
   * forwarded header counts.
   */
  readonly from: readonly string[];
  /** What they may call: globs as in a policy's `what`. Default: nothing but health. */
  readonly routines?: readonly string[] | undefined;
  /** Calls of all of them at once, among the worker's `concurrency`. Default: a quarter of that. */
  readonly concurrency?: number | undefined;
}
