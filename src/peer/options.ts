import type { Address, SocketAdmission, TlsVersion } from "../channel/mod.ts";
import type { CredentialMaterial, CredentialsSource } from "../credentials/mod.ts";
import type { WorkerRef } from "../errors/mod.ts";
import type {
  ByteChannel,
  ClientConnection,
  ConnectionOptions,
  ServerConnectionOptions,
} from "../http2/mod.ts";
import type { IdentityPattern, PeerIdentity, VerdictLimits } from "../identity/mod.ts";
import type { ChannelSecurity, Clock, Observer } from "../observe/mod.ts";
import type { JudgingTurns } from "./judging_turns.ts";
import type { OwnProcess } from "./process_secret.ts";
import type { AcceptedPeer, PeerConnection } from "./accepted_peer.ts";
import type { AbortEvents } from "../values/mod.ts";

/** From dial to proof, and from accept to verdict, in milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = 5000;
/** What calls of a peer that is no longer trusted may still take, in milliseconds. */
export const DISTRUST_GRACE_MS = 25_000;
/** How old a connection may become, in milliseconds, give or take a tenth. */
export const CONNECTION_AGE_MS = 3_600_000;

/** How a worker is dialled. */
export interface DialPeerOptions {
  /** The version of our credentials to use; absent for plaintext, a unix socket or memory. */
  readonly credentials: CredentialMaterial | undefined;
  /** Whom we expect, any of them; without an entry nobody is trusted over TLS. */
  readonly expected: readonly IdentityPattern[];
  /** The worker, as errors name it. */
  readonly worker: WorkerRef;
  /** What errors call it, where it is no worker: `etcd` for instance. Default: `worker`. */
  readonly called?: string;
  /** What we call ourselves to a listener in memory. Default: nobody. */
  readonly introduceAs?: PeerIdentity;
  /** What is shown before all else to a listener of our own process. Default: nothing. */
  readonly secret?: Uint8Array;
  /** From dial to proof, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number;
  /** What the verdict may cost. Default: its own defaults. */
  readonly verdict?: Partial<VerdictLimits>;
  /** The oldest TLS version spoken. Default 1.3 where we show a certificate, else 1.2. */
  readonly minTlsVersion?: TlsVersion;
  /**
   * Shows our certificate to no worker that our own verdict has not proven, where the platform would be
   * content; such a worker learns less of who has left it. TLS 1.3 only. Default false.
   */
  readonly showsOnlyToProven?: boolean;
  /** Gives up; its reason is thrown. Default: none. */
  readonly signal?: AbortEvents;
  /** The time. Default: the machine's. */
  readonly clock?: Clock;
  /** What the HTTP/2 connection is opened with. Default: its own defaults. */
  readonly connection?: ConnectionOptions;
  /**
   * Called with the connection once the worker is proven, before it has answered: what is requested in it leaves
   * with the first bytes, and saves a round trip. Called again where the worker asks to be dialled again. Must not
   * throw. Default: nothing is requested.
   */
  readonly onOpened?: (connection: ClientConnection) => void;
}

/** How a worker listens. */
export interface ListenForPeersOptions {
  /** The worker's id, for events. */
  readonly workerId: string;
  /** Our credentials, followed as they change; absent for plaintext, a unix socket or memory. */
  readonly credentials: CredentialsSource | undefined;
  /** Who may connect, any of them, where clients show a certificate. */
  readonly allow: readonly IdentityPattern[];
  /** A peer is accepted: says how its requests are answered. Called synchronously, before a byte is parsed. */
  readonly onPeer: (peer: AcceptedPeer) => ServerConnectionOptions;
  /** Takes only the process itself, proven by a secret. Default: takes other peers. */
  readonly own?: OwnProcess;
  /** Puts something between the socket of an accepted peer and its HTTP/2. Default: nothing. */
  readonly channel?: (channel: ByteChannel) => ByteChannel;
  /** From accept to verdict, in milliseconds. Default 5,000. */
  readonly handshakeTimeoutMs?: number;
  /**
   * Counts the sockets, over all listeners that share it, and makes place where there are too many. Default:
   * one of its own, with the limits of a process of 1,024 file descriptors.
   */
  readonly admission?: SocketAdmission;
  /** Called with `false` once nothing is accepted any more, and with `true` once it is again. Default: none. */
  readonly onListening?: (accepts: boolean) => void;
  /**
   * Called with an error of our own for which a connection is closed before it became a peer, and with the
   * address of its client. Must not throw. Default: it is only closed.
   */
  readonly onFault?: (error: unknown, remoteAddress: string) => void;
  /** What calls of a peer that is no longer trusted may still take, in milliseconds. Default 25,000. */
  readonly distrustGraceMs?: number;
  /** How old a connection may become, in milliseconds, give or take a tenth. Default one hour. */
  readonly connectionAgeMs?: number;
  /** What a verdict may cost. Default: its own defaults. */
  readonly verdict?: Partial<VerdictLimits>;
  /** The oldest TLS version spoken. Default 1.3 where clients show a certificate, else 1.2. */
  readonly minTlsVersion?: TlsVersion;
  /**
   * Listens with the platform's own TLS listener: one-way TLS with credentials that never change, on TCP, where
   * {@linkcode ListenForPeersOptions.descriptors} are enough. Default: `false`.
   */
  readonly nativeTls?: boolean;
  /** The file descriptors of the process. Default: its limit, or 1,024 where that cannot be read. */
  readonly descriptors?: number;
  /**
   * Whether a client at that address may speak plaintext where the listener speaks TLS, distinguished by the first
   * byte. It has proven nothing. Default: none may.
   */
  readonly acceptsPlaintext?: (remoteAddress: string) => boolean;
  /** Judges connected peers anew after trust has changed. Default: shared with all others of the process. */
  readonly judgingTurns?: JudgingTurns;
  /** The time. Default: the machine's. */
  readonly clock?: Clock;
  /** Receives events of peers accepted and refused, and of generations. Default: nobody. */
  readonly observer?: Observer;
}

/** A listener and the peers connected to it. */
export interface PeerListener extends AsyncDisposable {
  /** Where it listens, with the port that was chosen. */
  readonly address: Address;
  /** How it is protected. */
  readonly security: ChannelSecurity;
  /** The generation that accepts new connections; 0 without TLS. */
  readonly generation: number;
  /** Every connection there is. */
  connections(): readonly PeerConnection[];
  /** Takes no new connections, asks every peer to leave, and resolves when the last connection is over. */
  drain(): Promise<void>;
  /** Closes everything now. */
  [Symbol.asyncDispose](): Promise<void>;
}
