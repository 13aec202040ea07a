import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../observe/mod.ts";
import { HearingBudget } from "./hearing_budget.ts";
import { MAX_MESSAGE_BYTES } from "./message.ts";
import { type Interfaces, type LanNetwork, LocalLinks, networksOf } from "./networks.ts";

/** Where messages of multicast DNS are sent and heard. */
export interface MulticastOptions {
  /** The addresses of our own network interfaces; `undefined` is all that are not loopback. */
  readonly interfaces: readonly string[] | undefined;
  /** The interfaces of this machine. Default: as the machine reports them. */
  readonly own?: (() => Interfaces) | undefined;
  readonly port: number;
  readonly clock: Clock;
  /** Receives every message of a program that speaks multicast DNS itself. */
  readonly onMessage: (bytes: Uint8Array) => void;
}

/** One socket for each network that this machine is on. */
export class Multicast implements Disposable {
  readonly #options: MulticastOptions;
  /** By our own address on the network. */
  readonly #joined = new Map<string, Joined>();
  #links = new LocalLinks({}, []);
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
    const { interfaces, own = networkInterfaces } = this.#options;
    const machine = own();
    const wanted = networksOf(machine, interfaces);
    this.#links = new LocalLinks(machine, wanted);
    const addresses = new Set(wanted.map(({ address }) => address));
    for (const [address, { socket }] of this.#joined) {
      if (addresses.has(address)) continue;
      this.#joined.delete(address);
      socket.close();
    }
    let failure = new Error("this machine is on no network that multicast DNS could use");
    let joined = false;
    for (const network of wanted) {
      const { address } = network;
      if (this.#closed || this.#joined.has(address)) continue;
      try {
        const socket = await this.#join(network);
        if (this.#closed) socket.close();
        else this.#joined.set(address, { network, socket });
        joined = true;
      } catch (error) {
        failure = new Error(`multicast DNS on ${address}: ${(error as Error).message}`);
      }
    }
    if (this.#joined.size === 0 && !this.#closed) throw failure;
    return joined;
  }

  /**
   * Sends a message to every network.
   *
   * @param message What is sent to a network; `undefined` where that is nothing.
   * @throws {Error} If it could not be sent to any network.
   */
  async send(message: (network: LanNetwork) => Uint8Array | undefined): Promise<void> {
    const { port } = this.#options;
    const sent = await Promise.allSettled(
      [...this.#joined.values()].flatMap(({ network, socket }) => {
        const bytes = message(network);
        if (bytes === undefined) return [];
        return new Promise<void>((resolve, reject) =>
          socket.send(
            bytes,
            port,
            network.group,
            (error) => error ? reject(error) : resolve(),
          )
        );
      }),
    );
    const failed = sent.filter((one) => one.status === "rejected");
    if (failed.length > 0 && failed.length === sent.length) throw failed[0]!.reason;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const { socket } of this.#joined.values()) socket.close();
    this.#joined.clear();
  }

  #join({ address, family, group, scope }: LanNetwork): Promise<Socket> {
    const { port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    // Others on this machine listen there, too: Avahi, and our own workers.
    const socket = family === 4
      ? createSocket({ type: "udp4", reuseAddr: true })
      : createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    socket.on("error", (error) => {
      reject(error);
      // It is joined again by the next refresh.
      if (this.#joined.get(address)?.socket === socket) this.#joined.delete(address);
      socket.close();
    });
    socket.on("message", (bytes, from) => {
      // What comes from another port is no multicast DNS (RFC 6762 §11), or wants a reply of its own (§6.7).
      if (from.port !== port || bytes.length > MAX_MESSAGE_BYTES) return;
      if (this.#links.has(from.address)) {
        this.#budget.spend(() => this.#options.onMessage(bytes));
      }
    });
    // Bound to the interface's own address, a socket would hear no multicast.
    socket.bind({ address: family === 4 ? "0.0.0.0" : "::", port }, () => {
      try {
        socket.addMembership(group, scope);
        socket.setMulticastInterface(scope);
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

/** A network, and the socket through which it is used. */
interface Joined {
  readonly network: LanNetwork;
  readonly socket: Socket;
}
