import { createServer, type Server, type Socket } from "node:net";
import { ConfigurationError } from "../errors/mod.ts";
import type { Clock } from "../observe/mod.ts";
import { Acceptance } from "./acceptance.ts";
import { formatAddress, type TcpAddress, type UnixAddress } from "./address.ts";
import type { ChannelFailure, OpenChannel } from "./facts.ts";
import type { ServerTls } from "./tls_server.ts";
import { claimSocketPath, guardSocketPath } from "./unix_path.ts";

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
  /** A channel stands. Decides synchronously; nothing was read from it yet. */
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

/** A listening socket. */
export interface ChannelListener extends AsyncDisposable {
  /** Where it listens, with the port that was chosen. */
  readonly address: TcpAddress | UnixAddress;
  /** Takes no new connections; those under way go on. */
  stopAccepting(): void;
}

/**
 * Listens on a TCP or unix address.
 *
 * @throws {ConfigurationError} where the address cannot be listened on.
 */
export async function listenForChannels(
  address: TcpAddress | UnixAddress,
  options: ListenOptions,
): Promise<ChannelListener> {
  const pending = new Set<Acceptance>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
    // Whoever holds connections open and says nothing must not keep others out.
    const [oldest] = pending;
    if (pending.size >= options.pendingHandshakes) oldest?.expire();
    const acceptance = new Acceptance(socket, address, options, () => pending.delete(acceptance));
    pending.add(acceptance);
    acceptance.begin();
  });
  if (address.kind === "unix") await claimSocketPath(address.path);
  await listening(server, address);
  if (address.kind === "unix") await guardSocketPath(address.path);
  return new SocketListener(server, boundAddress(server, address), pending);
}

class SocketListener implements ChannelListener {
  readonly address: TcpAddress | UnixAddress;
  readonly #server: Server;
  readonly #pending: Set<Acceptance>;

  constructor(server: Server, address: TcpAddress | UnixAddress, pending: Set<Acceptance>) {
    this.#server = server;
    this.address = address;
    this.#pending = pending;
  }

  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.stopAccepting();
    for (const acceptance of this.#pending) acceptance.abandon();
    return Promise.resolve();
  }
}

function listening(server: Server, address: TcpAddress | UnixAddress): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (cause: Error): void => {
    reject(
      new ConfigurationError(`cannot listen on ${formatAddress(address)}: ${cause.message}`, {
        setting: "listen",
        cause,
      }),
    );
  };
  server.once("error", onError);
  server.once("listening", () => {
    server.removeListener("error", onError);
    // An accept that fails, for want of file descriptors for instance, must not end the process.
    server.on("error", () => {});
    resolve();
  });
  if (address.kind === "unix") server.listen({ path: address.path, backlog: 511 });
  else server.listen({ host: address.host, port: address.port, backlog: 511 });
  return promise;
}

function boundAddress(server: Server, asked: TcpAddress | UnixAddress): TcpAddress | UnixAddress {
  const bound = server.address();
  if (asked.kind === "unix" || bound === null || typeof bound === "string") return asked;
  return { kind: "tcp", host: asked.host, port: bound.port };
}
