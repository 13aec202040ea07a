import { connect, type Socket } from "node:net";
import { type Address, parseAddress } from "../../src/channel/mod.ts";

/** Clients of a listener that connect and send nothing, until they are disposed of. */
export class SilentClients implements Disposable {
  readonly #sockets: Socket[];
  /** Resolves once each is connected, or could not be. */
  readonly connected: Promise<unknown>;
  #open: number;
  #closed = Promise.withResolvers<void>();

  /** Connects so many to an address. */
  constructor(address: string, count: number) {
    const to = parseAddress(address);
    this.#sockets = Array.from({ length: count }, () => dial(to));
    this.#open = count;
    for (const socket of this.#sockets) socket.once("close", () => this.#left());
    this.connected = Promise.all(this.#sockets.map((socket) =>
      new Promise<void>((resolve) => {
        for (const event of ["connect", "error", "close"]) socket.once(event, () => resolve());
      })
    ));
  }

  /** Waits until so many are left: the system hands over the last of them long after they are connected. */
  async shrunkTo(most: number): Promise<void> {
    while (this.#open > most) await this.#closed.promise;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #left(): void {
    this.#open -= 1;
    this.#closed.resolve();
    this.#closed = Promise.withResolvers();
  }
}

function dial(address: Address): Socket {
  if (address.kind === "memory") throw new TypeError("there is no socket in memory");
  const socket = address.kind === "unix"
    ? connect({ path: address.path })
    : connect({ host: address.host, port: address.port });
  return socket.on("error", () => {}).resume();
}
