import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../observe/mod.ts";
import { HearingBudget } from "./hearing_budget.ts";
import { MAX_MESSAGE_BYTES } from "./message.ts";

/** The group of multicast DNS over IPv4 (RFC 6762 §3). */
const GROUP = "224.0.0.251";

/** More networks than these are not used. */
const MAX_NETWORKS = 8;

/** Where messages of multicast DNS are sent and heard. */
export interface MulticastOptions {
  /** The addresses of our own network interfaces; `undefined` is those of all that are not loopback. */
  readonly interfaces: readonly string[] | undefined;
  readonly port: number;
  readonly clock: Clock;
  /** Receives every message of a program that speaks multicast DNS itself. */
  readonly onMessage: (bytes: Uint8Array) => void;
}

/** One socket for each network that this machine is on. */
export class Multicast implements Disposable {
  readonly #options: MulticastOptions;
  readonly #sockets = new Map<string, Socket>();
  readonly #budget: HearingBudget;
  #closed = false;

  constructor(options: MulticastOptions) {
    this.#options = options;
    this.#budget = new HearingBudget(options.clock);
  }

  /**
   * Joins the networks that are new, and leaves those that are gone.
   *
   * @returns Whether there are new ones.
   * @throws {Error} If no network can be joined.
   */
  async refresh(): Promise<boolean> {
    const wanted = this.#options.interfaces ?? ownAddresses();
    for (const [address, socket] of this.#sockets) {
      if (wanted.includes(address)) continue;
      this.#sockets.delete(address);
      socket.close();
    }
    let failure = new Error("this machine is on no network that multicast DNS could use");
    let joined = false;
    for (const address of wanted.slice(0, MAX_NETWORKS)) {
      if (this.#closed || this.#sockets.has(address)) continue;
      try {
        const socket = await this.#join(address);
        if (this.#closed) socket.close();
        else this.#sockets.set(address, socket);
        joined = true;
      } catch (error) {
        failure = new Error(`multicast DNS on ${address}: ${(error as Error).message}`);
      }
    }
    if (this.#sockets.size === 0 && !this.#closed) throw failure;
    return joined;
  }

  /**
   * Sends a message to every network.
   *
   * @param message What is sent to the network on which we have an address.
   * @throws {Error} If it could not be sent to any network.
   */
  async send(message: (ownAddress: string) => Uint8Array): Promise<void> {
    const { port } = this.#options;
    const sent = await Promise.allSettled(
      [...this.#sockets].map(([address, socket]) =>
        new Promise<void>((resolve, reject) =>
          socket.send(
            message(address),
            port,
            GROUP,
            (error) => error ? reject(error) : resolve(),
          )
        )
      ),
    );
    const failed = sent.filter((one) => one.status === "rejected");
    if (failed.length > 0 && failed.length === sent.length) throw failed[0]!.reason;
  }

  /** Leaves every network. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #join(address: string): Promise<Socket> {
    const { port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    // Others on this machine listen there, too: Avahi, and our own workers.
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    socket.on("error", (error) => {
      reject(error);
      // It is joined again by the next refresh.
      if (this.#sockets.get(address) === socket) this.#sockets.delete(address);
      socket.close();
    });
    socket.on("message", (bytes, from) => {
      // What comes from another port is no multicast DNS (RFC 6762 §11), or wants a reply of its own (§6.7).
      if (from.port === port && bytes.length <= MAX_MESSAGE_BYTES) {
        this.#budget.spend(() => this.#options.onMessage(bytes));
      }
    });
    // Bound to the interface's own address, a socket would hear no multicast.
    socket.bind({ address: "0.0.0.0", port }, () => {
      try {
        socket.addMembership(GROUP, address);
        socket.setMulticastInterface(address);
        // RFC 6762 §11.
        socket.setMulticastTTL(255);
        socket.setMulticastLoopback(true);
        resolve(socket);
      } catch (error) {
        socket.emit("error", error);
      }
    });
    return promise;
  }
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ family, internal }) => family === "IPv4" && !internal)
      .map(({ address }) => address)
  );
}
