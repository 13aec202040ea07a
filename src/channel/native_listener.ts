import { unusable } from "../errors/mod.ts";
import { formatAddress, type TcpAddress } from "./address.ts";
import { type ChannelListener, listenForChannels } from "./listen.ts";
import { prepareForScarcity } from "./descriptors.ts";
import type { ListenOptions } from "./listen_options.ts";
import { listenAgainMs } from "./listening_socket.ts";
import { NativeAcceptance } from "./native_acceptance.ts";
import type { TlsIdentity } from "./tls/tls_client.ts";
import type { ServerTls } from "./tls/tls_server.ts";
import { messageOf } from "../values/mod.ts";

/**
 * Connections that we have given up or closed and that the platform has not ended yet, each with an open file;
 * beyond this number the port falls back to our own listener.
 */
const MOST_LEFT_OPEN = 64;
/**
 * The fewest file descriptors of a process with which the platform's listener is used. Connections in their handshake
 * that give way stay open there, and the listener that the port falls back to accepts as many anew: with 256
 * descriptors it ran out of them, and ceased to accept. 1,024 hold both, with a reserve.
 */
export const NATIVE_DESCRIPTORS = 1_024;
/** An accept that has not failed for so long waits for a connection, in milliseconds. */
const CALM_MS = 50;

/**
 * Listens for one-way TLS with the platform's own TLS listener, `Deno.listenTls`. It asks no client for a
 * certificate, and its certificate cannot change. Where more than {@linkcode MOST_LEFT_OPEN} connections wait
 * for the platform to end them, the port falls back to {@linkcode listenForChannels} for good; established
 * connections continue.
 *
 * @throws {ConfigurationError} where the address cannot be listened on, or the certificate cannot serve.
 */
export function listenNatively(
  address: TcpAddress,
  identity: TlsIdentity,
  tls: ServerTls,
  options: ListenOptions,
): ChannelListener {
  prepareForScarcity();
  const listener = new NativeListener(openListener(address, identity), address, tls, options);
  void listener.acceptAll();
  return listener;
}

class NativeListener implements ChannelListener {
  readonly address: TcpAddress;
  readonly #native: Deno.TlsListener;
  readonly #tls: ServerTls;
  readonly #options: ListenOptions;
  readonly #pending = new Set<NativeAcceptance>();
  readonly #leftOpen = new Set<NativeAcceptance>();
  #state: "native" | "switching" | "over" | "stopped" = "native";
  #successor: ChannelListener | undefined;
  #waiting: Disposable | undefined;
  /** How often in a row the platform could not accept. */
  #failures = 0;

  constructor(
    native: Deno.TlsListener,
    address: TcpAddress,
    tls: ServerTls,
    options: ListenOptions,
  ) {
    this.#native = native;
    this.address = { ...address, port: native.addr.port };
    this.#tls = tls;
    this.#options = options;
  }

  async acceptAll(): Promise<void> {
    while (this.#state === "native") {
      try {
        const accepting = this.#native.accept();
        // It fails at once where it fails; one that waits for a connection can take it.
        if (this.#failures > 0) this.#later(() => this.#reportListening(), CALM_MS);
        const conn = await accepting;
        this.#reportListening();
        this.#accept(conn);
      } catch (error) {
        // Closed by ourselves, or out of something, file descriptors for instance.
        if (error instanceof Deno.errors.BadResource) return;
        const retryInMs = this.#fails(`no connection can be accepted: ${(error as Error).message}`);
        await new Promise<void>((resolve) => this.#later(resolve, retryInMs));
      }
    }
  }

  stopAccepting(): void {
    const before = this.#state;
    this.#state = "stopped";
    if (before === "native") this.#native.close();
    this.#waiting?.[Symbol.dispose]();
    this.#successor?.stopAccepting();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopAccepting();
    for (const acceptance of [...this.#pending, ...this.#leftOpen]) acceptance.abandon();
    await this.#successor?.[Symbol.asyncDispose]();
  }

  #accept(conn: Deno.TlsConn): void {
    const acceptance = new NativeAcceptance(
      conn,
      this.address,
      this.#tls,
      this.#options,
      (moved, state) => {
        this.#pending.delete(moved);
        if (state === "given-up" || state === "left-open") this.#leftOpen.add(moved);
        else this.#leftOpen.delete(moved);
        if (this.#leftOpen.size > MOST_LEFT_OPEN) this.#reopen();
      },
    );
    this.#pending.add(acceptance);
    void acceptance.begin();
  }

  #reopen(): void {
    if (this.#state !== "native") return;
    this.#state = "switching";
    this.#native.close();
    void this.#succeed();
  }

  async #succeed(): Promise<void> {
    try {
      this.#successor = await listenForChannels(this.address, this.#options);
    } catch (error) {
      // Most often another process was given the port in between; it is ours again once that leaves it.
      return this.#later(() => void this.#succeed(), this.#fails((error as Error).message));
    }
    if (this.#state === "stopped") return await this.#successor[Symbol.asyncDispose]();
    this.#state = "over";
    this.#reportListening();
  }

  /** Reports that nothing is accepted. @returns how long to wait, in milliseconds. */
  #fails(message: string): number {
    this.#failures += 1;
    const retryInMs = listenAgainMs(this.#failures);
    this.#options.onListening({ state: "failed", message, attempt: this.#failures, retryInMs });
    return retryInMs;
  }

  #reportListening(): void {
    this.#waiting?.[Symbol.dispose]();
    if (this.#failures > 0) this.#options.onListening({ state: "listening" });
    this.#failures = 0;
  }

  #later(then: () => void, delayMs: number): void {
    this.#waiting?.[Symbol.dispose]();
    this.#waiting = this.#options.clock.schedule(then, delayMs);
  }
}

function openListener(address: TcpAddress, identity: TlsIdentity): Deno.TlsListener {
  try {
    return Deno.listenTls({
      hostname: address.host,
      port: address.port,
      cert: identity.certificate,
      key: identity.key,
      alpnProtocols: ["h2"],
    });
  } catch (cause) {
    const why = messageOf(cause);
    throw unusable("listen", `cannot listen on ${formatAddress(address)}: ${why}`, cause);
  }
}
