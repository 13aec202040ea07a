import type { Clock } from "../observe/mod.ts";
import type { ChannelFailure, OpenChannel } from "./facts.ts";
import type { ListeningState } from "./listening_socket.ts";
import type { SocketAdmission, SocketLimit, SocketPlace } from "./socket_admission.ts";
import type { ServerTls } from "./tls/tls_server.ts";

/** How a listener treats what it accepts. */
export interface ListenOptions {
  /** The TLS of new connections, asked at every accept so that generations follow one another on one port. */
  readonly tls: () => ServerTls | undefined;
  /** From accept to the verdict and its flush, in milliseconds; then the raw socket is destroyed. */
  readonly handshakeTimeoutMs: number;
  /** Counts what is accepted, and makes place where there is too much of it. */
  readonly admission: SocketAdmission;
  /** The time. */
  readonly clock: Clock;
  /** Whether a session this host offers to resume is rejected, so that it comes back with a fresh handshake. */
  readonly refusesResumption: (remoteAddress: string) => boolean;
  /** Whether a peer at that address may speak plaintext where `tls` gives one. Default: none may. */
  readonly acceptsPlaintext?: ((remoteAddress: string) => boolean) | undefined;
  /** A channel stands and nothing was read from it yet. Decides at once, or pauses it until it is decided. */
  readonly onChannel: (accepted: AcceptedChannel) => void;
  /** The listener accepts nothing any more, or does again. */
  readonly onListening: (state: ListeningState) => void;
  /** There will be no channel. */
  readonly onFailure: (failure: AcceptFailure) => void;
}

/** A channel that was accepted, and whose clock still runs. */
export interface AcceptedChannel extends OpenChannel {
  /** The TLS it was accepted with, as `tls` gave it. */
  readonly acceptedWith: ServerTls | undefined;
  /** Its place among the sockets of the worker, where proof of its peer is recorded. */
  readonly place: SocketPlace;
  /** Whether the client says that it probes our certificate, and will send nothing. */
  isProbe(): boolean;
  /** Whether its time is over, or its peer is gone. */
  isOver(): boolean;
  /** Takes on what becomes of it and what is reported; `false` where it is over, and was reported already. */
  decide(): boolean;
  /** Stops the clock: there is a verdict, and all that follows from it has been sent. */
  settle(): void;
}

/** A connection that did not become a channel. */
export interface AcceptFailure extends ChannelFailure {
  /** The address of its peer. */
  readonly remoteAddress: string;
  /** Whether TLS was expected of it. */
  readonly expectedTls: boolean;
  /** Whether its peer closed it before it had sent a byte, as a TCP probe does. */
  readonly leftSilently?: boolean | undefined;
  /** Whether the handshake was done, and its peer gone before there was a verdict. Default false. */
  readonly isSecured?: boolean | undefined;
  /** The limit for which it was closed. */
  readonly evictedBy?: SocketLimit | undefined;
}
