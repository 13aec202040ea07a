import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TcpAddress, UnixAddress } from "./address.ts";
import { HANDSHAKE_RECORD, readClientHello } from "./client_hello.ts";
import type { ChannelFailure, TlsFacts } from "./facts.ts";
import type { AcceptedChannel, ListenOptions } from "./listen_options.ts";
import { RawDuplex } from "./raw_duplex.ts";
import { localAddressOf, remoteAddressOf } from "./socket_address.ts";
import { plainChannel, tlsChannel } from "./socket_channel.ts";
import { alertRecord } from "./tls_alert.ts";
import { LOOK_PROTOCOL } from "./tls_client.ts";
import { watchHandshake } from "./tls_platform.ts";
import { serverSocket, type ServerTls } from "./tls_server.ts";

/** What a plaintext peer is answered with where the listener speaks TLS, and no other. */
const NOT_TLS = alertRecord("unexpected_message");
/** Makes a client forget the session and come back with a fresh handshake (RFC 8446 §6.2). */
const NO_SUCH_SESSION = alertRecord("unknown_psk_identity");
/** An empty SETTINGS frame: enough for a TLS client to see that nobody speaks TLS here. */
const NOT_ENCRYPTED = new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** How long one that was turned away may take to read the answer. */
const LINGER_MS = 1000;

/**
 * One accepted connection on its way to a channel.
 *
 * `waiting` for its first bytes → `handshaking` → `judging` until the owner of the channel decides → `judged`,
 * where the owner reports what becomes of it until it settles; from `waiting` also to `turned-away`, until it is closed; `over` from anywhere.
 */
export class Acceptance {
  readonly #socket: Socket;
  readonly #listener: TcpAddress | UnixAddress;
  readonly #options: ListenOptions;
  readonly #tls: ServerTls | undefined;
  readonly #remoteAddress: string;
  readonly #onOver: () => void;
  readonly #timer: Disposable;
  #state: "waiting" | "handshaking" | "judging" | "judged" | "turned-away" | "over" = "waiting";
  #arrived = new Uint8Array(0);

  /** Starts the clock, which runs until {@linkcode AcceptedChannel.settle}. */
  constructor(
    socket: Socket,
    listener: TcpAddress | UnixAddress,
    options: ListenOptions,
    onOver: () => void,
  ) {
    this.#socket = socket;
    this.#listener = listener;
    this.#options = options;
    this.#onOver = onOver;
    this.#remoteAddress = remoteAddressOf(socket, listener);
    this.#tls = options.tls();
    this.#timer = options.clock.schedule(() => this.expire(), options.handshakeTimeoutMs);
  }

  /** Waits for the first bytes, which tell TLS from plaintext. */
  begin(): void {
    const socket = this.#socket;
    socket.on("error", (cause: Error) => this.#fail("tls", { cause, ...codeOf(cause) }));
    socket.on("close", () => this.#fail("tls", { code: "ECONNRESET" }));
    socket.on("end", this.#onEnd);
    socket.on("data", this.#onData);
  }

  /** Drops the connection; nobody is told. */
  abandon(): void {
    this.#end();
    this.#socket.destroy();
  }

  /** Gives up on it: its time is over, or others need its place. */
  expire(): void {
    this.#fail("tls", { timedOut: true });
    this.#end();
    this.#socket.destroy();
  }

  readonly #onEnd = (): void => {
    this.#fail("tls", { code: "ECONNRESET" });
    this.#socket.destroy();
  };

  readonly #onData = (chunk: Uint8Array): void => {
    this.#arrived = joined(this.#arrived, chunk);
    const encrypted = this.#arrived[0] === HANDSHAKE_RECORD;
    if (this.#tls === undefined) {
      if (encrypted) return this.#turnAway(NOT_ENCRYPTED);
      return this.#openPlain();
    }
    if (!encrypted) return this.#turnAway(NOT_TLS);
    if (this.#options.refusesResumption(this.#remoteAddress)) {
      const hello = readClientHello(this.#arrived);
      if (hello === undefined) return;
      if (hello.resumes) return this.#turnAway(NO_SUCH_SESSION);
    }
    this.#handshake(this.#tls);
  };

  #openPlain(): void {
    this.#stopReading();
    this.#state = "judged";
    const security = this.#listener.kind === "unix" ? "unix-socket" : "plaintext";
    this.#options.onChannel({
      ok: true,
      channel: plainChannel(this.#socket, this.#arrived),
      facts: { security, ...this.#ends() },
      firstBytes: () => this.#arrived.slice(0, 16),
      acceptedWith: undefined,
      onlyLooks: () => false,
      isOver: () => this.#state === "over",
      decide: () => this.#decide(),
      settle: () => this.#end(),
    });
  }

  #handshake(tls: ServerTls): void {
    this.#stopReading();
    this.#state = "handshaking";
    const below = new RawDuplex(this.#socket, this.#arrived);
    const socket = serverSocket(below, tls);
    // TLS says nothing of a client that ends its direction within the handshake; what it sent last goes first.
    this.#socket.once("end", () => setImmediate(() => this.#hungUp(socket)));
    watchHandshake(socket, below, {
      secured: (facts) => this.#openTls(facts, tlsChannel(socket, below), tls),
      failed: (failure) =>
        this.#fail("tls", {
          cause: failure.error,
          ...(failure.code === undefined ? {} : { code: failure.code }),
          ...(failure.alertReceived === undefined ? {} : { alertReceived: failure.alertReceived }),
          ...(failure.alertSent === undefined ? {} : { alertSent: failure.alertSent }),
        }),
    });
  }

  #hungUp(tls: TLSSocket): void {
    if (this.#state !== "handshaking") return;
    this.#fail("tls", { code: "ECONNRESET" });
    // The platform lets go of TLS only where it is ended itself, not with the socket below.
    tls.destroy();
    this.#socket.destroy();
  }

  #openTls(tls: TlsFacts, channel: AcceptedChannel["channel"], acceptedWith: ServerTls): void {
    if (this.#state === "over") return channel.destroy();
    this.#state = "judging";
    this.#options.onChannel({
      ok: true,
      channel,
      facts: {
        security: acceptedWith.mutual ? "mutual-tls" : "one-way-tls",
        ...this.#ends(),
        tls,
      },
      firstBytes: () => this.#arrived.slice(0, 16),
      acceptedWith,
      onlyLooks: () => readClientHello(this.#arrived)?.protocols.includes(LOOK_PROTOCOL) === true,
      isOver: () => this.#state === "over",
      decide: () => this.#decide(),
      settle: () => this.#end(),
    });
  }

  #decide(): boolean {
    if (this.#state === "over") return false;
    this.#state = "judged";
    return true;
  }

  /** Answers with a few bytes that name the mistake, and hangs up. */
  #turnAway(answer: Uint8Array): void {
    this.#stopReading();
    this.#state = "turned-away";
    const resumption = answer === NO_SUCH_SESSION;
    this.#tell("tls", resumption ? { alertSent: "unknown_psk_identity" } : {});
    const linger = this.#options.clock.schedule(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once("close", () => linger[Symbol.dispose]());
    this.#socket.end(answer);
    this.#socket.resume();
  }

  #fail(stage: ChannelFailure["stage"], found: Partial<ChannelFailure>): void {
    const told = this.#state === "judged" || this.#state === "turned-away";
    const over = this.#state === "over";
    this.#end();
    if (!told && !over) this.#tell(stage, found);
  }

  #tell(stage: ChannelFailure["stage"], found: Partial<ChannelFailure>): void {
    this.#options.onFailure({
      ok: false,
      stage,
      timedOut: false,
      firstBytes: this.#arrived.slice(0, 16),
      remoteAddress: this.#remoteAddress,
      expectedTls: this.#tls !== undefined,
      ...found,
    });
  }

  #end(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#timer[Symbol.dispose]();
    this.#onOver();
  }

  /** Leaves what arrives from now on to whoever takes over the socket. */
  #stopReading(): void {
    this.#socket.pause();
    this.#socket.removeListener("data", this.#onData);
    this.#socket.removeListener("end", this.#onEnd);
  }

  #ends(): { remoteAddress: string; localAddress: string } {
    return {
      remoteAddress: this.#remoteAddress,
      localAddress: localAddressOf(this.#socket, this.#listener),
    };
  }
}

function joined(first: Uint8Array<ArrayBuffer>, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function codeOf(error: Error): { code?: string } {
  return "code" in error && typeof error.code === "string" ? { code: error.code } : {};
}
