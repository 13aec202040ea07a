import { type Client, createClient } from "@connectrpc/connect";
import type { Address } from "../../channel/mod.ts";
import type { Credentials } from "../../credentials/mod.ts";
import * as etcd from "../../gen/etcd/mod.ts";
import { type ClientConnection, ErrorCode } from "../../http2/mod.ts";
import type { IdentityPattern } from "../../identity/mod.ts";
import type { Clock } from "../../observe/mod.ts";
import { dialPeer } from "../../peer/mod.ts";
import { createTransport } from "../../rpc/mod.ts";
import { RegistryCredentials } from "../registry_credentials.ts";

/** Where the members of a cluster are, and whom to trust there. */
export interface EtcdClientOptions {
  readonly endpoints: readonly Address[];
  /** Default: plaintext. */
  readonly credentials: Credentials | undefined;
  /** Who the members must prove to be; `undefined` is the host of each endpoint. */
  readonly identity: readonly IdentityPattern[] | undefined;
  /** Who that is where `identity` does not say it. */
  readonly expectedAt: (endpoint: Address) => readonly IdentityPattern[];
  readonly clock: Clock;
}

/** The services of one member. */
export interface EtcdMember {
  readonly kv: Client<typeof etcd.KV>;
  readonly watch: Client<typeof etcd.Watch>;
  readonly lease: Client<typeof etcd.Lease>;
  readonly connection: ClientConnection;
}

/**
 * A stopped or frozen member is noticed by PING. Over plaintext etcd hangs up on more than one every 5 s,
 * and on any where no stream is open; here one is.
 */
const KEEPALIVE_IDLE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

/** A page of keys with their values, and a burst of changes, are far below this. */
const MESSAGE_BYTES = 64 * 1024 * 1024;

/** One connection to a cluster, to whichever member can be reached. */
export class EtcdClient implements AsyncDisposable {
  readonly #options: EtcdClientOptions;
  readonly #credentials: RegistryCredentials | undefined;
  #member: EtcdMember | undefined;
  /** The endpoint to dial next. */
  #turn: number;

  /** Connects to nobody yet; begins with a random member. */
  constructor(options: EtcdClientOptions) {
    this.#options = options;
    const { credentials, clock } = options;
    this.#credentials = credentials && new RegistryCredentials(credentials, clock);
    this.#turn = Math.floor(Math.random() * options.endpoints.length);
  }

  /**
   * The member that is connected, else another one: each is dialled once.
   *
   * @throws {Error} Why the last one could not be connected; the reason of the signal.
   */
  async member(signal: AbortSignal): Promise<EtcdMember> {
    if (this.#member?.connection.state === "open") return this.#member;
    this.#member = undefined;
    const { endpoints } = this.#options;
    for (let dials = 1;; dials++) {
      const endpoint = endpoints[this.#turn++ % endpoints.length]!;
      try {
        return this.#use(await this.#dial(endpoint, signal));
      } catch (error) {
        signal.throwIfAborted();
        if (dials === endpoints.length) throw error;
      }
    }
  }

  /** The member did not answer as it should: another one is asked next. */
  leave(member: EtcdMember): void {
    member.connection.abort(ErrorCode.NO_ERROR);
    if (this.#member === member) this.#member = undefined;
  }

  /** The member that was dialled, unless another call has connected one meanwhile. */
  #use(dialled: EtcdMember): EtcdMember {
    if (this.#member?.connection.state !== "open") return this.#member = dialled;
    dialled.connection.abort(ErrorCode.NO_ERROR);
    return this.#member;
  }

  async #dial(endpoint: Address, signal: AbortSignal): Promise<EtcdMember> {
    const { identity, expectedAt, clock } = this.#options;
    const address = endpoint.kind === "tcp" ? `${endpoint.host}:${endpoint.port}` : "etcd";
    const material = await this.#credentials?.current();
    const { connection } = await dialPeer(endpoint, {
      credentials: material,
      expected: material === undefined ? [] : identity ?? expectedAt(endpoint),
      worker: { address },
      called: "etcd",
      signal,
      clock,
      connection: {
        limits: { keepaliveIdleMs: KEEPALIVE_IDLE_MS, keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS },
      },
    });
    const transport = createTransport({
      connection,
      protocol: "grpc",
      scheme: material === undefined ? "http" : "https",
      authority: address,
      acceptCompression: [],
      limits: { messageBytes: MESSAGE_BYTES },
    });
    return {
      kv: createClient(etcd.KV, transport),
      watch: createClient(etcd.Watch, transport),
      lease: createClient(etcd.Lease, transport),
      connection,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#member?.connection.abort(ErrorCode.NO_ERROR);
    await this.#member?.connection.closed;
    await this.#credentials?.[Symbol.asyncDispose]();
  }
}

/** Where workers are kept, by a client of their own. */
export interface EtcdRegistry {
  readonly client: EtcdClient;
  /** Every key that begins so is a worker. */
  readonly prefix: string;
  readonly clock: Clock;
}
