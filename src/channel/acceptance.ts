import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TcpAddress, UnixAddress } from "./address.ts";
import { HANDSHAKE_RECORD, readClientHello } from "./tls/client_hello.ts";
import type { ChannelFacts, TlsFacts } from "./facts.ts";
import type { AcceptedChannel, AcceptFailure, ListenOptions } from "./listen_options.ts";
import type { OwnProbes } from "./listening_socket.ts";
import { onHandle } from "./tls/handle_transport.ts";
import { RawDuplex } from "./tls/raw_duplex.ts";
import { remoteAddressOf } from "./socket_address.ts";
import { addressGroup, type SocketLimit, type SocketPlace } from "./socket_admission.ts";
import { plainChannel, tlsChannel } from "./socket_channel.ts";
import { systemCodeOf } from "../platform/mod.ts";
import { alertRecord } from "./tls/tls_alert.ts";
import { PROBE_PROTOCOL } from "./tls/tls_client.ts";
import { watchHandshake } from "./tls/tls_platform.ts";
import { serverSocket, type ServerTls } from "./tls/tls_server.ts";
import { joined, NO_BYTES } from "../values/mod.ts";

/** The answer to a plaintext peer where the listener speaks TLS, and to no other. */
const NOT_TLS = alertRecord("unexpected_message");
/** Makes a client forget the session and come back with a fresh handshake (RFC 8446 §6.2). */
const NO_SUCH_SESSION = alertRecord("unknown_psk_identity");
/** An empty SETTINGS frame: enough for a TLS client to see that this end does not speak TLS. */
const NOT_ENCRYPTED = new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** How many of the first bytes of a peer are reported. */
const FIRST_BYTES = 16;
/** How long a peer that was rejected may take to read the answer. */
const LINGER_MS = 1000;

/**
 * One accepted connection on its way to a channel.
 *
 * `waiting` for its first bytes → `handshaking` → `judging` until the owner of the channel decides →
 * `judged`, where the owner reports what becomes of it until it settles; from `waiting` also to `rejected`, until
 * it is closed; `over` from any state.
 */
export class Acceptance {
  readonly #socket: Socket;
  readonly #listener: TcpAddress | UnixAddress;
  readonly #options: ListenOptions;
  readonly #tls: ServerTls | undefined;
  readonly #remoteAddress: string;
  readonly #probes: OwnProbes;
  readonly #place: SocketPlace;
  #timer: Disposable | undefined;
  #state: "waiting" | "handshaking" | "judging" | "judged" | "rejected" | "over" = "waiting";
  #arrived = new Uint8Array(0);
  readonly #onClosed: () => void;

  /**
   * Takes a place for the socket, and starts the clock, which runs until {@linkcode AcceptedChannel.settle}.
   *
   * @param probes How it is told whether the connection is one of our own.
   * @param onClosed Called once the socket is closed, or the connection is settled.
   */
  constructor(
    socket: Socket,
    listener: TcpAddress | UnixAddress,
    options: ListenOptions,
    probes: OwnProbes,
    onClosed: () => void,
  ) {
    this.#socket = socket;
    this.#listener = listener;
    this.#options = options;
    this.#probes = probes;
    this.#remoteAddress = remoteAddressOf(socket, listener);
    this.#tls = options.tls();
    const late = () => this.#expire();
    this.#timer = options.clock.schedule(late, options.handshakeTimeoutMs, { shared: true });
    this.#place = options.admission.admit(
      addressGroup(this.#remoteAddress),
      (limit) => this.#evict(limit),
    );
    this.#onClosed = onClosed;
    socket.once("close", this.#onClose);
  }

  /** Waits for the first bytes, which tell TLS from plaintext. */
  begin(): void {
    const socket = this.#socket;
    socket.on("error", this.#onError);
    socket.on("end", this.#onEnd);
    socket.on("data", this.#onData);
  }

  /** Closes a connection on which no verdict has fallen; nothing is reported. */
  abandon(): void {
    if (this.#state === "over") return;
    this.#end();
    this.#socket.destroy();
  }

  #expire(): void {
    this.#fail({ timedOut: true });
    this.#end();
    this.#socket.destroy();
  }

  #evict(limit: SocketLimit): void {
    const refused = this.#state === "judged" || this.#state === "rejected";
    // Where there is no room for a probe either, no client was refused.
    const mayBeProbe = this.#arrived.length === 0 && this.#probes.underWay;
    this.#end();
    if (!refused && !mayBeProbe) this.#report({ evictedBy: limit });
    this.#socket.destroy();
  }

  readonly #onError = (cause: Error): void => this.#fail({ cause, code: systemCodeOf(cause) });

  readonly #onClose = (): void => {
    this.#place.close();
    this.#onClosed();
    this.#fail({ code: "ECONNRESET" });
  };

  readonly #onEnd = (): void => {
    this.#fail({ code: "ECONNRESET" });
    this.#socket.destroy();
  };

  readonly #onData = (chunk: Uint8Array): void => {
    this.#place.speak();
    this.#arrived = joined([this.#arrived, chunk]);
    if (this.#probes.isOne(this.#arrived)) return this.abandon();
    const encrypted = this.#arrived[0] === HANDSHAKE_RECORD;
    if (this.#tls === undefined) {
      if (encrypted) return this.#reject(NOT_ENCRYPTED);
      return this.#openPlain();
    }
    if (!encrypted) {
      const accepted = this.#options.acceptsPlaintext?.(this.#remoteAddress) === true;
      return accepted ? this.#openPlain() : this.#reject(NOT_TLS);
    }
    if (this.#options.refusesResumption(this.#remoteAddress)) {
      const hello = readClientHello(this.#arrived);
      if (hello === undefined) return;
      if (hello.resumes) return this.#reject(NO_SUCH_SESSION);
    }
    this.#handshake(this.#tls);
  };

  #openPlain(): void {
    this.#stopReading();
    this.#state = "judged";
    const security = this.#listener.kind === "unix" ? "unix-socket" : "plaintext";
    this.#handOver(plainChannel(this.#socket, this.#arrived), { security });
  }

  #handshake(tls: ServerTls): void {
    this.#stopReading();
    this.#state = "handshaking";
    const below = onHandle(this.#socket, "us", this.#arrived) ??
      new RawDuplex(this.#socket, "us", this.#arrived);
    const socket = serverSocket(below, tls);
    // TLS says nothing of a client that ends its direction within the handshake; what it sent last goes first.
    const onEnd = (): unknown => setImmediate(() => this.#endedEarly(socket));
    this.#socket.once("end", onEnd);
    const endWatch = watchHandshake(socket, below, {
      secured: (facts) => {
        const channel = tlsChannel(socket, below);
        endWatch();
        this.#socket.removeListener("end", onEnd);
        this.#openTls(facts, channel, tls);
      },
      failed: ({ cause, code, alertReceived, alertSent }) =>
        this.#fail({ cause, code, alertReceived, alertSent }),
    });
  }

  #endedEarly(tls: TLSSocket): void {
    if (this.#state !== "handshaking") return;
    this.#fail({ code: "ECONNRESET" });
    // The platform lets go of TLS only where it is ended itself, not with the socket below.
    tls.destroy();
    this.#socket.destroy();
  }

  #openTls(tls: TlsFacts, channel: AcceptedChannel["channel"], acceptedWith: ServerTls): void {
    if (this.#state === "over") return channel.destroy();
    this.#state = "judging";
    const security = acceptedWith.mutual ? "mutual-tls" : "one-way-tls";
    this.#handOver(channel, { security, tls }, acceptedWith);
  }

  #handOver(
    channel: AcceptedChannel["channel"],
    found: Pick<ChannelFacts, "security" | "tls">,
    acceptedWith?: ServerTls,
  ): void {
    this.#options.onChannel({
      ok: true,
      channel,
      facts: {
        ...found,
        remoteAddress: this.#remoteAddress,
      },
      firstBytes: () => this.#arrived.slice(0, FIRST_BYTES),
      acceptedWith,
      place: this.#place,
      isProbe: () => readClientHello(this.#arrived)?.protocols.includes(PROBE_PROTOCOL) === true,
      isOver: () => this.#state === "over",
      decide: () => this.#decide(),
      settle: () => this.#settle(),
    });
  }

  #decide(): boolean {
    if (this.#state === "over") return false;
    this.#state = "judged";
    return true;
  }

  /** Answers with a few bytes that name the mistake, and hangs up. */
  #reject(answer: Uint8Array): void {
    this.#stopReading();
    this.#state = "rejected";
    const resumption = answer === NO_SUCH_SESSION;
    this.#report(resumption ? { alertSent: "unknown_psk_identity" } : {});
    const linger = this.#options.clock.schedule(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once("close", () => linger[Symbol.dispose]());
    this.#socket.end(answer);
    this.#socket.resume();
  }

  #fail(found: Partial<AcceptFailure>): void {
    const reported = this.#state === "judged" || this.#state === "rejected";
    const over = this.#state === "over";
    const isSecured = this.#state === "judging";
    this.#end();
    if (reported || over) return;
    const leftSilently = this.#arrived.length === 0 && found.timedOut !== true;
    this.#report({ leftSilently, isSecured, ...found });
  }

  #report(found: Partial<AcceptFailure>): void {
    this.#options.onFailure({
      ok: false,
      stage: "tls",
      timedOut: false,
      firstBytes: this.#arrived.slice(0, FIRST_BYTES),
      remoteAddress: this.#remoteAddress,
      expectedTls: this.#tls !== undefined,
      ...found,
    });
  }

  #end(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    // What began the connection is not kept for as long as it lasts.
    this.#arrived = this.#arrived.slice(0, FIRST_BYTES);
  }

  /** What becomes of the connection is reported: nothing of its beginning is kept for as long as it lasts. */
  #settle(): void {
    this.#end();
    this.#arrived = NO_BYTES;
    this.#onClosed();
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.removeListener("error", this.#onError);
    socket.removeListener("close", this.#onClose);
    closeWith(socket, this.#place);
  }

  /** Leaves what arrives from now on to the next reader of the socket. */
  #stopReading(): void {
    this.#socket.pause();
    this.#socket.removeListener("data", this.#onData);
    this.#socket.removeListener("end", this.#onEnd);
  }
}

/** All that is left to do for a connection that is settled. */
function closeWith(socket: Socket, place: SocketPlace): void {
  socket.once("close", () => place.close());
}
