import { formatAddress, type TcpAddress } from "./address.ts";
import { ConnChannel } from "./conn_channel.ts";
import type { ChannelFailure } from "./facts.ts";
import type { AcceptedChannel, AcceptFailure, ListenOptions } from "./listen_options.ts";
import { unmapped } from "./socket_address.ts";
import { addressGroup, type SocketLimit, type SocketPlace } from "./socket_admission.ts";
import { UNKNOWN_GROUP } from "./tls/server_hello.ts";
import { alertReceived } from "./tls/tls_alert.ts";
import type { ServerTls } from "./tls/tls_server.ts";
import { asError, NO_BYTES } from "../values/mod.ts";

/** The code of a connection that did not begin with TLS; the platform has none of its own for it. */
export const NOT_TLS_CODE = "SELVAGE_NOT_TLS";

/**
 * Where an acceptance stands: `given-up` is one that we have named a failure and the platform still goes on
 * with, `left-open` a channel that we have closed and the platform has not.
 */
type State = "handshaking" | "given-up" | "channel" | "left-open" | "over";

/**
 * One connection of the platform's own listener on its way to a channel.
 *
 * A handshake that is given up is closed once it has ended, so that the end is always seen and counted.
 */
export class NativeAcceptance {
  readonly #conn: Deno.TlsConn;
  readonly #listener: TcpAddress;
  readonly #tls: ServerTls;
  readonly #options: ListenOptions;
  readonly #onState: (acceptance: NativeAcceptance, state: State) => void;
  readonly #timer: Disposable;
  readonly #place: SocketPlace;
  #channel: ConnChannel | undefined;
  #state: State = "handshaking";

  /** Takes a place for the connection, and starts the clock. */
  constructor(
    conn: Deno.TlsConn,
    listener: TcpAddress,
    tls: ServerTls,
    options: ListenOptions,
    onState: (acceptance: NativeAcceptance, state: State) => void,
  ) {
    this.#conn = conn;
    this.#listener = listener;
    this.#tls = tls;
    this.#options = options;
    this.#onState = onState;
    this.#timer = options.clock.schedule(
      () => this.#giveUp({ timedOut: true }),
      options.handshakeTimeoutMs,
      { shared: true },
    );
    this.#place = options.admission.admit(
      addressGroup(this.#addressOf(conn.remoteAddr)),
      (limit) => this.#evict(limit),
    );
  }

  /** Waits for the handshake, and gives the channel or reports why there is none. */
  async begin(): Promise<void> {
    let alpn: string | undefined;
    try {
      alpn = (await this.#conn.handshake()).alpnProtocol ?? undefined;
    } catch (error) {
      if (this.#state === "handshaking") this.#fail({ timedOut: false, ...seenIn(error) });
      return this.abandon();
    }
    if (this.#state !== "handshaking") return this.abandon();
    this.#move("channel");
    this.#options.onChannel(this.#accepted(alpn));
  }

  /** Closes the connection where no channel owns it; nothing is reported. */
  abandon(): void {
    if (this.#state !== "handshaking" && this.#state !== "given-up") return;
    this.#move("over");
    // A second close throws where no code can catch it; the state allows for one.
    this.#conn.close();
  }

  #giveUp(found: Partial<AcceptFailure>): void {
    if (this.#state !== "handshaking") return;
    this.#fail({ timedOut: false, ...found });
    this.#move("given-up");
  }

  #evict(limit: SocketLimit): void {
    this.#giveUp({ evictedBy: limit });
    if (this.#state !== "channel") return;
    this.#fail({ timedOut: false, evictedBy: limit });
    this.#channel?.destroy();
  }

  #accepted(alpn: string | undefined): AcceptedChannel {
    this.#channel = new ConnChannel(this.#conn, (released) => {
      this.#move(released === undefined ? "over" : "left-open");
      released?.then(() => this.#move("over"));
    });
    return {
      ok: true,
      channel: this.#channel,
      place: this.#place,
      facts: {
        security: "one-way-tls",
        remoteAddress: this.#addressOf(this.#conn.remoteAddr),
        tls: {
          // The platform does not report these; nothing is decided on them where clients show nothing.
          version: "unknown",
          cipher: "unknown",
          keyExchange: UNKNOWN_GROUP,
          alpn,
          peerChain: [],
          resumed: false,
          platformAuthorized: false,
        },
      },
      firstBytes: () => NO_BYTES,
      acceptedWith: this.#tls,
      isProbe: () => false,
      isOver: () => this.#state !== "channel",
      decide: () => this.#state === "channel",
      settle: () => {},
    };
  }

  #fail(found: Pick<AcceptFailure, "timedOut"> & Partial<AcceptFailure>): void {
    this.#options.onFailure({
      ok: false,
      stage: "tls",
      firstBytes: NO_BYTES,
      remoteAddress: this.#addressOf(this.#conn.remoteAddr),
      expectedTls: true,
      ...found,
    });
  }

  #move(state: State): void {
    this.#state = state;
    this.#timer[Symbol.dispose]();
    if (state === "over") this.#place.close();
    this.#onState(this, state);
  }

  #addressOf(addr: Deno.Addr): string {
    return addr.transport === "tcp"
      ? formatAddress({ kind: "tcp", host: unmapped(addr.hostname), port: addr.port })
      : formatAddress(this.#listener);
  }
}

/** The platform reports what broke a handshake by its text alone; canaries pin it. */
function seenIn(error: unknown): Partial<ChannelFailure> {
  const cause = asError(error);
  const alert = alertReceived(cause.message);
  if (alert !== undefined) return { cause, alertReceived: alert };
  if (!(cause instanceof Deno.errors.InvalidData)) return { cause, code: "ECONNRESET" };
  if (cause.message.endsWith("of type InvalidContentType")) return { cause, code: NOT_TLS_CODE };
  const noProtocol = cause.message === "peer doesn't support any known protocol";
  return { cause, code: noProtocol ? "ERR_SSL_NO_APPLICATION_PROTOCOL" : "ERR_SSL" };
}
