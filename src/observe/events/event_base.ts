/** What every event carries. */
export interface EventBase<Type extends string> {
  /** The kind of event, `handshake.failed` for instance. */
  readonly type: Type;
  /** When it happened, ISO 8601 in UTC. */
  readonly at: string;
  /** The id of the worker, dispatcher or pool that emits it. */
  readonly origin: string;
}

/** The other end of a connection. Whatever the peer made of this text is escaped and capped. */
export interface PeerRef {
  /** Its address as seen from here, `HOST:PORT`, `[IPv6]:PORT`, `unix:PATH` or `memory:NAME`. */
  readonly address: string;
  /** The proven identity, as patterns write it; absent where nothing was proven. */
  readonly identity?: string;
}

/** How a listener or a connection is protected. */
export type ChannelSecurity = "mutual-tls" | "one-way-tls" | "plaintext" | "unix-socket" | "memory";

/** Whether a call is of a routine, or of a method of a Connect service. */
export type CallKind = "routine" | "service";
