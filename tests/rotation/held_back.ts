import { connect, createServer, type Server, type Socket } from "node:net";
import { type Address, formatAddress } from "../../src/channel/mod.ts";

/** A way to a listener on which what clients send waits until it is let go; answers pass. */
export class HeldBack implements AsyncDisposable {
  /** Resolves when the first client's connection has come through to the listener. */
  readonly arrived: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #release = Promise.withResolvers<void>();

  private constructor(server: Server, to: Address & { readonly kind: "tcp" }) {
    const arrived = Promise.withResolvers<void>();
    this.arrived = arrived.promise;
    this.#server = server;
    server.on("connection", (client: Socket) => {
      const through = connect(to.port, to.host, () => arrived.resolve());
      this.#sockets.add(client).add(through);
      client.on("error", () => through.destroy());
      through.on("error", () => client.destroy());
      through.pipe(client);
      this.#release.promise.then(() => client.pipe(through));
    });
  }

  /** Opens one to a listener. */
  static async open(to: Address): Promise<HeldBack> {
    if (to.kind !== "tcp") throw new TypeError(`${formatAddress(to)} is no TCP address`);
    const server = createServer();
    const held = new HeldBack(server, to);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return held;
  }

  /** Where clients connect to. */
  get address(): Address {
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new TypeError("it does not listen");
    return { kind: "tcp", host: bound.address, port: bound.port };
  }

  /** Lets through what clients have sent, and whatever they send from now on. */
  release(): void {
    this.#release.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
