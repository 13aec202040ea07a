import type { Clock } from "../observe/mod.ts";
import type { ChannelFailure, OpenChannel } from "./facts.ts";
import type { ServerTls } from "./tls_server.ts";

/** How a listener treats what it accepts. */
export interface ListenOptions {
  /** The TLS of new connections, asked at every accept so that generations follow one another on one port. */
  readonly tls: () => ServerTls | undefined;
  /** From accept to the verdict and its flush, in milliseconds; then the raw socket is destroyed. */
  readonly handshakeTimeoutMs: number;
  /** Connections that may be between accept and verdict at once; one more makes the oldest go. */
  readonly pendingHandshakes: number;
  /** The time. */
  readonly clock: Clock;
  /** Whether a session this host offers to resume is turned down, so that it comes back with a fresh handshake. */
  readonly refusesResumption: (remoteAddress: string) => boolean;
  /** A channel stands and nothing was read from it yet. Decides at once, or pauses it until it is decided. */
  readonly onChannel: (accepted: AcceptedChannel) => void;
  /** There will be no channel. */
  readonly onFailure: (failure: AcceptFailure) => void;
}

/** A channel that was accepted, and whose clock still runs. */
export interface AcceptedChannel extends OpenChannel {
  /** The TLS it was accepted with, as `tls` gave it. */
  readonly acceptedWith: ServerTls | undefined;
  /** Whether the client says that it came for a look at our certificate, and will say nothing. */
  onlyLooks(): boolean;
  /** Whether its time is over, or its peer is gone. */
  isOver(): boolean;
  /** Takes on what becomes of it and what is reported; `false` where it is over, and was reported already. */
  decide(): boolean;
  /** Stops the clock: the verdict has fallen, and all that follows from it has been sent. */
  settle(): void;
}

/** A connection that came to nothing. */
export interface AcceptFailure extends ChannelFailure {
  /** Who it was. */
  readonly remoteAddress: string;
  /** Whether TLS was expected of it. */
  readonly expectedTls: boolean;
}
