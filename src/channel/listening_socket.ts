import { lookup } from "node:dns/promises";
import { createServer, isIP, type Server, type Socket } from "node:net";
import { ConfigurationError, unusable } from "../errors/mod.ts";
import { formatAddress, type TcpAddress, type UnixAddress } from "./address.ts";
import { prepareForScarcity } from "./descriptors.ts";
import { mayConnect, systemCodeOf } from "../platform/mod.ts";
import { probeListener, type ProbeResult } from "./self_probe.ts";
import { claimSocketPath, listenPrivately } from "./unix_path.ts";
import { messageOf } from "../values/mod.ts";

/** A listener that accepts nothing for so long is probed, in milliseconds. */
const QUIET_MS = 2_000;
/** The first wait before a failed listener listens once more, in milliseconds; it doubles. */
const SHORTEST_BACKOFF_MS = 100;
/** The longest such wait, in milliseconds. */
const LONGEST_BACKOFF_MS = 1_000;
/** Connections that the system keeps for us until they are accepted. */
const BACKLOG = 511;
/** What a probe of our own says. */
const TOKEN_BYTES = 16;

/** Whether a listener accepts connections. */
export type ListeningState =
  | { readonly state: "listening" }
  /** It accepts nothing, and listens anew after a wait. */
  | {
    readonly state: "failed";
    /** One sentence: what was found. */
    readonly message: string;
    /** How often in a row it has failed. */
    readonly attempt: number;
    /** How long until it listens anew, in milliseconds. */
    readonly retryInMs: number;
  };

/** Takes over an accepted socket, which may be that of a probe. */
export type OnSocket = (socket: Socket, probes: OwnProbes) => void;

/** How connections of our own, by which a listener is probed, are told from those of clients. */
export interface OwnProbes {
  /** Whether a connection that has said nothing may be one. */
  readonly underWay: boolean;
  /** Whether a connection that begins with these bytes is one, which says no more. */
  isOne(bytes: Uint8Array): boolean;
}

/**
 * A socket that listens, and goes on listening.
 *
 * `listening` → `failed` where a connection of our own is not accepted, which is all that shows it: where the
 * process runs out of file descriptors the platform ceases to accept for good, without an error. A failed one
 * listens anew, with backoff, and is `listening` once it has accepted a connection. `closed` from either.
 */
export class ListeningSocket {
  /** Where it listens, with the port that was chosen. */
  readonly address: TcpAddress | UnixAddress;
  readonly #onSocket: OnSocket;
  readonly #onState: (state: ListeningState) => void;
  readonly #closed = new AbortController();
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  readonly #probes = {
    underWay: false as boolean,
    isOne: (bytes: Uint8Array): boolean =>
      bytes.length === TOKEN_BYTES && this.#token.every((byte, at) => byte === bytes[at]),
  };
  #server: Server | undefined;
  #state: "listening" | "failed" | "closed" = "listening";
  #accepted = Promise.withResolvers<void>();
  #heard = false;
  /** Whether a probe was ever accepted; before that its failure says nothing of the listener. */
  #reachable = false;
  #wake: (() => void) | undefined;

  private constructor(
    address: TcpAddress | UnixAddress,
    server: Server,
    onSocket: OnSocket,
    onState: (state: ListeningState) => void,
  ) {
    this.#server = server;
    this.address = boundAddress(server, address);
    this.#onSocket = onSocket;
    this.#onState = onState;
    // No TLS record begins with 0, and no HTTP request.
    this.#token[0] = 0;
    this.#serve(server);
  }

  /**
   * Listens.
   *
   * @throws {ConfigurationError} where the address cannot be listened on.
   */
  static async open(
    address: TcpAddress | UnixAddress,
    onSocket: OnSocket,
    onState: (state: ListeningState) => void,
  ): Promise<ListeningSocket> {
    prepareForScarcity();
    const listening = new ListeningSocket(address, await listen(address), onSocket, onState);
    // Before others connect: whether we can at all.
    await listening.#fault();
    void listening.#keepListening();
    return listening;
  }

  /** Takes no new connections any more. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#server?.close();
    this.#closed.abort();
    this.#wake?.();
  }

  #serve(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#heard = true;
      this.#accepted.resolve();
      this.#onSocket(socket, this.#probes);
    });
    // An accept that fails must not end the process; whether it goes on is looked at now.
    server.on("error", () => this.#wake?.());
    server.once("close", () => server.removeAllListeners("connection"));
  }

  async #keepListening(): Promise<void> {
    await this.#pause(QUIET_MS);
    for (let failures = 0; !this.#isClosed();) {
      const fault = await this.#fault();
      if (this.#isClosed()) return;
      if (fault === undefined) {
        if (failures > 0) this.#move({ state: "listening" });
        failures = 0;
        await this.#pause(QUIET_MS);
        continue;
      }
      failures += 1;
      const retryInMs = listenAgainMs(failures);
      this.#move({ state: "failed", message: fault, attempt: failures, retryInMs });
      await this.#pause(retryInMs);
      if (!this.#isClosed()) await this.#listenAnew();
    }
  }

  /** Why no connection is accepted; `undefined` where one is, or nothing can be said. */
  async #fault(): Promise<string | undefined> {
    if (this.#server === undefined) return "the address cannot be listened on again";
    if (this.#heard) {
      this.#heard = false;
      return undefined;
    }
    this.#accepted = Promise.withResolvers();
    this.#probes.underWay = true;
    const result = await probeListener(
      this.address,
      this.#token,
      this.#accepted.promise,
      this.#closed.signal,
    );
    this.#probes.underWay = false;
    if (result === "accepted") this.#reachable = true;
    return this.#reachable ? FAULTS[result] : undefined;
  }

  async #listenAnew(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
    try {
      const server = await listen(this.address);
      if (this.#isClosed()) {
        server.close();
        return;
      }
      this.#heard = false;
      this.#server = server;
      this.#serve(server);
    } catch (error) {
      // The address is taken meanwhile, or there is no descriptor: `#fault` says so, and it is tried again.
      if (!(error instanceof ConfigurationError)) throw error;
    }
  }

  /** The state may have changed during any `await`, which narrowing does not see. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #move(state: ListeningState): void {
    this.#state = state.state;
    this.#onState(state);
  }

  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, delayMs);
    Deno.unrefTimer(timer);
    this.#wake = resolve;
    return promise.finally(() => clearTimeout(timer));
  }
}

/** How long a listener waits after so many failures in a row, in milliseconds. */
export function listenAgainMs(failures: number): number {
  return Math.min(SHORTEST_BACKOFF_MS * 2 ** Math.min(failures - 1, 30), LONGEST_BACKOFF_MS);
}

const FAULTS: Readonly<Record<ProbeResult, string | undefined>> = {
  accepted: undefined,
  "not-permitted": undefined,
  "no-descriptor": "the process has no file descriptor left",
  "not-accepted": "the listener accepts no connections",
};

/** Why an address cannot be listened on, by the platform's code, and what to do. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "EADDRINUSE, another process listens there; end it, or choose another port",
  EADDRNOTAVAIL: "EADDRNOTAVAIL, this machine does not have that address",
  // What Deno 2.9.6 makes of EADDRNOTAVAIL, among others.
  EINVAL: "EINVAL; see whether this machine has that address",
  EACCES: "EACCES, this process may not; a port below 1024 needs a privilege",
  ENOTFOUND: "ENOTFOUND, the name has no address; name an address of this machine",
};

/** The same of a socket in the file system. */
const SOCKET_REASONS: Readonly<Record<string, string>> = {
  EACCES: "EACCES, this process may not write into that folder",
};

async function listen(address: TcpAddress | UnixAddress): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("listening", () => {
    server.removeListener("error", reject);
    resolve();
  });
  try {
    if (address.kind === "tcp") {
      const host = await permittedHost(address);
      server.listen({ host, port: address.port, backlog: BACKLOG });
      await promise;
      return server;
    }
    await claimSocketPath(address.path);
    await listenPrivately(address.path, () => {
      server.listen({ path: address.path, backlog: BACKLOG });
      return promise;
    });
    return server;
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    const code = systemCodeOf(cause) ?? "";
    const why = (address.kind === "unix" ? SOCKET_REASONS[code] : undefined) ?? REASONS[code] ??
      messageOf(cause);
    throw unusable("listen", `cannot listen on ${formatAddress(address)}: ${why}`, cause);
  }
}

/**
 * The IP address to listen on. Its permission is asked for first: without it `node:net` of Deno 2.9.6 throws where
 * nobody can catch it, and the process ends.
 */
async function permittedHost(address: TcpAddress): Promise<string> {
  const host = isIP(address.host) === 0 ? await addressOf(address.host) : address.host;
  const asked = formatAddress({ ...address, host });
  if (await mayConnect(asked)) return host;
  throw lacking(`--allow-net=${asked}`);
}

async function addressOf(host: string): Promise<string> {
  if (await mayConnect(host)) return (await lookup(host)).address;
  throw lacking("--allow-net without a value, since that is a name");
}

function lacking(flag: string): Error {
  return new Error(`this process lacks Deno's permission for it (${flag})`);
}

function boundAddress(server: Server, asked: TcpAddress | UnixAddress): TcpAddress | UnixAddress {
  const bound = server.address();
  if (asked.kind === "unix" || bound === null || typeof bound === "string") return asked;
  return { kind: "tcp", host: asked.host, port: bound.port };
}
