import type { ByteChannel } from "../http2/mod.ts";
import type { ChannelSecurity } from "../observe/mod.ts";

/** What is known of a channel once it stands; none of it is a verdict. */
export interface ChannelFacts {
  /** How the channel is protected. */
  readonly security: ChannelSecurity;
  /** The other end's address, as `formatAddress` writes it. */
  readonly remoteAddress: string;
  /** What TLS negotiated, where there is TLS. */
  readonly tls?: TlsFacts;
}

/** What TLS negotiated. */
export interface TlsFacts {
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly version: string;
  /** The cipher suite, by its IANA name. */
  readonly cipher: string;
  /**
   * The group of the key exchange by its IANA name, `x25519` or `X25519MLKEM768` for instance, as the ServerHello
   * says (RFC 8446 §4.2.8); `unknown` with TLS 1.2 and with the platform's own listener.
   */
  readonly keyExchange: string;
  /** The protocol ALPN agreed on, where it did. */
  readonly alpn: string | undefined;
  /** What the peer presented, DER, leaf first; from the first handshake where the session was resumed. */
  readonly peerChain: readonly Uint8Array[];
  /** Whether the session was resumed, so that the platform verified nothing. */
  readonly resumed: boolean;
  /** The platform's verdict: necessary on a fresh handshake, never sufficient, worth nothing on a resumed one. */
  readonly platformAuthorized: boolean;
  /** The platform's code where it does not agree. */
  readonly platformCode?: string;
}

/** A channel that stands. Nothing has been written to it, and what arrived is unread. */
export interface OpenChannel {
  /** Says that the channel stands. */
  readonly ok: true;
  /** The bytes, as they will be spoken. */
  readonly channel: ByteChannel;
  /** What is known of it. */
  readonly facts: ChannelFacts;
  /** What the peer sent first on the socket below, at most 16 bytes. */
  firstBytes(): Uint8Array;
}

/** Why there is no channel, as it was seen; the classifier of `peer/` gives it a name. */
export interface ChannelFailure {
  /** Says that there is no channel. */
  readonly ok: false;
  /**
   * How far it came: `connect`, no connection to the address; `tls`, the handshake broke;
   * `certificate`, the platform refused the peer's certificate.
   */
  readonly stage: "connect" | "tls" | "certificate";
  /** Whether time ran out. */
  readonly timedOut: boolean;
  /** The platform's or the system's code, `ECONNREFUSED` for instance. */
  readonly code?: string | undefined;
  /** The alert the peer sent, by its name in RFC 8446 §6. */
  readonly alertReceived?: string | undefined;
  /** The alert we sent, where it was in the clear. */
  readonly alertSent?: string | undefined;
  /** What the peer sent first, at most 16 bytes. */
  readonly firstBytes: Uint8Array;
  /** What was presented, where the handshake came that far. */
  readonly tls?: TlsFacts | undefined;
  /** The error the platform gave. */
  readonly cause?: Error | undefined;
}

/** A channel, or why there is none. */
export type ChannelOutcome = OpenChannel | ChannelFailure;
