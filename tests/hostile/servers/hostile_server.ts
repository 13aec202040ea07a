import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { socketWire } from "../wire.ts";
import type { Trap } from "./trap.ts";
import { unsaid, Visitor } from "./visitor.ts";

/** What a server shows, and whom it trusts. */
export interface ServerPem {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A server that traps the clients that connect to it. */
export class HostileServer implements AsyncDisposable {
  /** The answer of the first that connected. */
  readonly answer: Promise<string>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(trap: Trap, pem: ServerPem | undefined) {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.answer = promise;
    // A trap that is never asked for the answer reports nothing.
    promise.catch(() => {});
    this.#server = listening(trap, pem);
    this.#server.on("connection", (socket: Socket) => this.#sockets.add(socket));
    this.#server.on(pem === undefined || trap.beneathTls ? "connection" : "secureConnection", (
      socket: Socket,
    ) => {
      this.#connections += 1;
      const visitor = new Visitor(
        socketWire(socket),
        trap.manners ?? "polite",
        trap.describe ?? unsaid,
        this.address,
      );
      trap.spring(visitor).then(resolve, reject);
    });
  }

  /** Listens on loopback: with mutual TLS, or without. */
  static async open(trap: Trap, pem: ServerPem | undefined): Promise<HostileServer> {
    const server = new HostileServer(trap, pem);
    await new Promise<void>((listening) => server.#server.listen(0, "127.0.0.1", listening));
    return server;
  }

  /** How often a client has connected. */
  get connections(): number {
    return this.#connections;
  }

  /** Where it listens. */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it listens nowhere");
    return `127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}

/** Small frames are not held back to be gathered. */
const TCP = { allowHalfOpen: true, noDelay: true };

function listening(trap: Trap, pem: ServerPem | undefined): Server {
  if (pem === undefined || trap.beneathTls) return createServer(TCP);
  return createTlsServer({
    ...pem,
    ...TCP,
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.3",
  });
}
