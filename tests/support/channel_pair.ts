import assert from "node:assert/strict";
import type { ByteChannel, ByteReceiver } from "../../src/http2/mod.ts";
import { systemClock } from "../../src/observe/mod.ts";
import { makeCertificate } from "./certificates.ts";
import {
  type AcceptedChannel,
  clientContext,
  type ClientTls,
  DEFAULT_SOCKET_LIMITS,
  dialChannel,
  listenForChannels,
  listenNatively,
  type ListenOptions,
  type OpenChannel,
  parseAddress,
  serverTls,
  SocketAdmission,
  type TcpAddress,
  type UnixAddress,
} from "../../src/channel/mod.ts";

const root = makeCertificate({ name: "root", authority: true });
const worker = makeCertificate({ names: [{ dns: "worker" }], issuer: root });
const client = makeCertificate({ names: [{ dns: "client" }], issuer: root });

const IDENTITY = { certificate: worker.pem, key: worker.keyPem };
const MUTUAL = serverTls({ identity: IDENTITY, mutual: true, minVersion: "TLSv1.3" });
const ONE_WAY = serverTls({ identity: IDENTITY, mutual: false, minVersion: "TLSv1.2" });
const CLIENT_TLS: ClientTls = {
  context: clientContext({
    ca: [root.pem],
    identity: { certificate: client.pem, key: client.keyPem },
    minVersion: "TLSv1.3",
  }),
  mutual: true,
};

/** Two connected ends. */
export interface Pair extends AsyncDisposable {
  readonly near: OpenChannel;
  readonly far: AcceptedChannel;
}

/**
 * `withheld` is TLS whose client keeps its certificate back until it has seen the server's; `native` is one-way TLS
 * through the platform's own listener.
 */
export type Kind = "tls" | "withheld" | "native" | "plain" | "unix";

/** All kinds. */
export const KINDS: readonly Kind[] = ["tls", "withheld", "native", "plain", "unix"];

/** How many bytes a pair has exchanged already. */
export function firstBytesOf(kind: Kind): number {
  return kind === "plain" || kind === "unix" ? 1 : 0;
}

/** Connects two channels. */
export async function pairOf(kind: Kind): Promise<Pair> {
  const folder = await Deno.makeTempDir();
  const at = kind === "unix" ? `unix:${folder}/socket` : "127.0.0.1:0";
  const accepted = Promise.withResolvers<AcceptedChannel>();
  const options: ListenOptions = {
    tls: () => kind === "tls" || kind === "withheld" ? MUTUAL : undefined,
    handshakeTimeoutMs: 5000,
    admission: new SocketAdmission(DEFAULT_SOCKET_LIMITS),
    onListening: () => {},
    clock: systemClock,
    refusesResumption: () => false,
    onChannel: (channel) => {
      channel.settle();
      accepted.resolve(channel);
    },
    onFailure: ({ code }) => accepted.reject(new Error(`no channel: ${code}`)),
  };
  const address = parseAddress(at) as TcpAddress | UnixAddress;
  const listener = kind === "native"
    ? listenNatively(address as TcpAddress, IDENTITY, ONE_WAY, options)
    : await listenForChannels(address, options);
  const overTls = firstBytesOf(kind) === 0;
  const tls = kind === "withheld"
    ? { ...CLIENT_TLS, admits: () => Promise.resolve(true) }
    : CLIENT_TLS;
  const near = await dialChannel(listener.address, {
    signal: { timeout: new AbortController().signal },
    ...(overTls ? { tls } : {}),
  });
  assert.ok(near.ok);
  // A plain listener waits for the first byte, to distinguish it from TLS.
  if (!overTls) near.channel.write(new Uint8Array([0]), () => {});
  const far = await accepted.promise;
  return {
    near,
    far,
    async [Symbol.asyncDispose](): Promise<void> {
      near.channel.destroy();
      far.channel.destroy();
      await listener[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Starts a channel and keeps what it reports. */
export class Recorder implements ByteReceiver {
  /** How many bytes were received. */
  bytes = 0;
  /** A checksum of them. */
  sum = 0;
  /** The error that the channel closed with. */
  error: Error | undefined;
  /** What was reported. */
  readonly reported: string[] = [];
  readonly #waiting: { readonly until: () => boolean; readonly wake: () => void }[] = [];

  /** Starts the channel. */
  constructor(channel: ByteChannel) {
    channel.start(this);
  }

  /** Keeps nothing, so that the channel frees what it was read into or reads into it again. */
  received(bytes: Uint8Array): boolean {
    // That of a `Buffer` would not.
    assert.notEqual(bytes.slice(0, 1).buffer, bytes.buffer, "slice() copies");
    this.bytes += bytes.length;
    this.sum = checksum(bytes, this.sum);
    this.#wake();
    return true;
  }

  /** Keeps that it was called. */
  ended(): void {
    this.reported.push("ended");
    this.#wake();
  }

  /** Keeps how it was called. */
  closed(error: Error | undefined): void {
    this.error = error;
    this.reported.push(error === undefined ? "closed" : "broken");
    this.#wake();
  }

  /** Resolves once the condition holds after a report. */
  until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (condition()) resolve();
    else this.#waiting.push({ until: condition, wake: resolve });
    return promise;
  }

  #wake(): void {
    for (const { until, wake } of this.#waiting) if (until()) wake();
  }
}

/** Goes on with the checksum of what was before. */
export function checksum(bytes: Uint8Array, before = 0): number {
  let sum = before;
  for (const octet of bytes) sum = (sum * 31 + octet) >>> 0;
  return sum;
}
