import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { systemClock } from "../observe/mod.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
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
} from "./mod.ts";

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
interface Pair extends AsyncDisposable {
  readonly near: OpenChannel;
  readonly far: AcceptedChannel;
}

/** `native` is one-way TLS through the platform's own listener. */
type Kind = "tls" | "native" | "plain" | "unix";

async function pairOf(kind: Kind): Promise<Pair> {
  const folder = await Deno.makeTempDir();
  const at = kind === "unix" ? `unix:${folder}/socket` : "127.0.0.1:0";
  const accepted = Promise.withResolvers<AcceptedChannel>();
  const options: ListenOptions = {
    tls: () => kind === "tls" ? MUTUAL : undefined,
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
  const overTls = kind === "tls" || kind === "native";
  const near = await dialChannel(listener.address, {
    signal: { timeout: new AbortController().signal },
    ...(overTls ? { tls: CLIENT_TLS } : {}),
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
class Recorder implements ByteReceiver {
  bytes = 0;
  sum = 0;
  readonly reported: string[] = [];
  readonly #waiting: { readonly until: () => boolean; readonly wake: () => void }[] = [];

  constructor(channel: ByteChannel) {
    channel.start(this);
  }

  /** Keeps nothing, so that the channel frees what it was read into or reads into it again. */
  received(bytes: Uint8Array): boolean {
    // That of a `Buffer` would not.
    assert.notEqual(bytes.slice(0, 1).buffer, bytes.buffer, "slice() copies");
    this.bytes += bytes.length;
    for (const octet of bytes) this.sum = (this.sum * 31 + octet) >>> 0;
    this.#wake();
    return true;
  }

  ended(): void {
    this.reported.push("ended");
    this.#wake();
  }

  closed(error: Error | undefined): void {
    this.reported.push(error === undefined ? "closed" : "broken");
    this.#wake();
  }

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

for (const kind of ["tls", "native", "plain", "unix"] as const) {
  const first = kind === "tls" || kind === "native" ? 0 : 1;

  Deno.test(`a ${kind} channel carries what is written, in order and whole`, async () => {
    await using pair = await pairOf(kind);
    const far = new Recorder(pair.far.channel);
    new Recorder(pair.near.channel);
    let sum = 0;
    let written = 0;
    const sizes = [1, 9, 16_384, 65_536, 200_000, 1_000_000, 3];
    for (const size of sizes) {
      const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 7 + size) & 0xff);
      for (const octet of bytes) sum = (sum * 31 + octet) >>> 0;
      pair.near.channel.write(bytes, () => written += 1);
    }
    const total = sizes.reduce((all, size) => all + size, first);
    await far.until(() => far.bytes === total);
    assert.equal(far.sum, sum);
    assert.equal(written, sizes.length);
  });

  Deno.test(`a ${kind} channel that ends on both sides reports ended, then closed, once`, async () => {
    await using pair = await pairOf(kind);
    const near = new Recorder(pair.near.channel);
    const far = new Recorder(pair.far.channel);
    pair.near.channel.end();
    await far.until(() => far.reported.includes("ended"));
    pair.far.channel.write(new Uint8Array(3), () => {});
    pair.far.channel.end();
    await Promise.all([near, far].map((one) => one.until(() => one.reported.length === 2)));
    assert.equal(near.bytes, 3);
    assert.deepEqual(near.reported, ["ended", "closed"]);
    assert.deepEqual(far.reported, ["ended", "closed"]);
  });

  Deno.test(`a ${kind} channel that is destroyed closes at both ends`, async () => {
    await using pair = await pairOf(kind);
    const near = new Recorder(pair.near.channel);
    const far = new Recorder(pair.far.channel);
    pair.near.channel.destroy();
    await near.until(() => near.reported.includes("closed"));
    await far.until(() => far.reported.length > 0);
    assert.deepEqual(near.reported, ["closed"]);
  });

  Deno.test(`a ${kind} channel that is paused stops its writer and loses nothing`, async () => {
    await using pair = await pairOf(kind);
    const far = new Recorder(pair.far.channel);
    new Recorder(pair.near.channel);
    pair.far.channel.pause();
    const paused = writeChunks(pair.near.channel);
    // What is written later to a reader that is not paused has long arrived.
    await using control = await pairOf(kind);
    new Recorder(control.far.channel);
    new Recorder(control.near.channel);
    await writeChunks(control.near.channel).all;
    assert.ok(far.bytes < 4 * 1024 * 1024, `${far.bytes} bytes arrived`);
    assert.ok(paused.written < CHUNKS / 2, `${paused.written} of ${CHUNKS} chunks left`);
    pair.far.channel.resume();
    await paused.all;
    await far.until(() => far.bytes === CHUNKS * CHUNK_BYTES + first);
  });
}

/** Far more than the system's buffers and ours hold. */
const CHUNKS = 96;
const CHUNK_BYTES = 256 * 1024;

/** Writes all chunks at once; `written` counts those that have left, `all` resolves with the last. */
function writeChunks(
  channel: ByteChannel,
): { readonly written: number; readonly all: Promise<void> } {
  const all = Promise.withResolvers<void>();
  const progress = { written: 0, all: all.promise };
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; at < CHUNKS; at += 1) {
    channel.write(chunk, () => {
      progress.written += 1;
      if (progress.written === CHUNKS) all.resolve();
    });
  }
  return progress;
}

Deno.test("a channel keeps what arrives before it is started", async () => {
  await using pair = await pairOf("tls");
  pair.near.channel.write(new TextEncoder().encode("early"), () => {});
  pair.near.channel.end();
  const far = new Recorder(pair.far.channel);
  await far.until(() => far.reported.includes("ended"));
  assert.equal(far.bytes, 5);
});

Deno.test("a channel that broke before it was started says so when it is", async () => {
  await using pair = await pairOf("plain");
  pair.far.channel.destroy();
  const far = new Recorder(pair.far.channel);
  await far.until(() => far.reported.length > 0);
  assert.deepEqual(far.reported, ["closed"]);
});

// TLS moves onto the socket's handle within a few turns of quiet: the cases above begin before that.
Deno.test("a tls channel that has been in use stops its writer where it is paused, and ends on both sides", async () => {
  await using pair = await pairOf("tls");
  const near = new Recorder(pair.near.channel);
  const far = new Recorder(pair.far.channel);
  const rounds = 20;
  for (let round = 1; round <= rounds; round++) {
    pair.near.channel.write(new Uint8Array(1), () => {});
    await far.until(() => far.bytes === round);
    pair.far.channel.write(new Uint8Array(1), () => {});
    await near.until(() => near.bytes === round);
  }
  pair.far.channel.pause();
  const chunk = Uint8Array.from({ length: 256 * 1024 }, (_, at) => at & 0xff);
  const count = 96;
  let written = 0;
  const all = Promise.withResolvers<void>();
  for (let at = 0; at < count; at++) {
    pair.near.channel.write(chunk, () => {
      if (++written === count) all.resolve();
    });
  }
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(far.bytes, rounds);
  assert.ok(written < count, "the writer is held up");
  pair.far.channel.resume();
  await all.promise;
  await far.until(() => far.bytes === rounds + count * chunk.length);
  pair.near.channel.end();
  await far.until(() => far.reported.includes("ended"));
  pair.far.channel.write(new Uint8Array(3), () => {});
  pair.far.channel.end();
  await Promise.all([near, far].map((one) => one.until(() => one.reported.length === 2)));
  assert.equal(near.bytes, rounds + 3);
  assert.deepEqual([near.reported, far.reported], [["ended", "closed"], ["ended", "closed"]]);
});

Deno.test("a tls channel that has been in use reports a peer that is gone", async () => {
  await using pair = await pairOf("tls");
  const near = new Recorder(pair.near.channel);
  const far = new Recorder(pair.far.channel);
  for (let round = 1; round <= 20; round++) {
    pair.near.channel.write(new Uint8Array(1), () => {});
    await far.until(() => far.bytes === round);
    pair.far.channel.write(new Uint8Array(1), () => {});
    await near.until(() => near.bytes === round);
  }
  for (let at = 0; at < 100; at++) pair.near.channel.write(new Uint8Array(1024 * 1024), () => {});
  pair.far.channel.destroy();
  await near.until(() => near.reported.at(-1) === "closed" || near.reported.at(-1) === "broken");
  await far.until(() => far.reported.includes("closed"));
});

Deno.test("what a peer sent first is known also once the receiver has given its buffer back", async () => {
  const server = createServer((socket) => socket.end(new Uint8Array(100_000).fill(7)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const opened = await dialChannel({ kind: "tcp", host: "127.0.0.1", port }, {
      signal: { timeout: new AbortController().signal },
    });
    assert.ok(opened.ok);
    await new Promise<void>((resolve) => {
      opened.channel.start({ received: () => true, ended: resolve, closed: () => {} });
    });
    assert.deepEqual(opened.firstBytes(), new Uint8Array(16).fill(7));
    opened.channel.destroy();
  } finally {
    server.close();
  }
});
