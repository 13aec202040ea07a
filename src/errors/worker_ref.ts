/** Which worker an error is about. */
export interface WorkerRef {
  /** `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`, as it was dialled. */
  readonly address: string;
  /** The worker's own id, once it has reported it. */
  readonly id?: string;
}
