import { createServer, type Server, type Socket } from "node:net";
import { ConfigurationError } from "../errors/mod.ts";
import { Acceptance } from "./acceptance.ts";
import { formatAddress, type TcpAddress, type UnixAddress } from "./address.ts";
import type { ListenOptions } from "./listen_options.ts";
import { claimSocketPath, guardSocketPath } from "./unix_path.ts";

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
