import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { ByteChannel } from "../http2/mod.ts";
import { systemClock } from "../observe/mod.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import {
  type AcceptFailure,
  type ChannelListener,
  clientContext,
  DEFAULT_SOCKET_LIMITS,
  dialChannel,
  listenNatively,
  serverTls,
  SocketAdmission,
} from "./mod.ts";
import { NativeAcceptance } from "./native_acceptance.ts";

const root = makeCertificate({ name: "root", authority: true });
const worker = makeCertificate({ names: [{ dns: "worker" }], issuer: root });
const IDENTITY = { certificate: worker.pem, key: worker.keyPem };
const TLS = serverTls({ identity: IDENTITY, mutual: false, minVersion: "TLSv1.2" });
const CLIENT = {
  context: clientContext({ ca: [root.pem], minVersion: "TLSv1.2" }),
  mutual: false,
};
/** How many may be silent at once before the oldest is given up. */
const PENDING = 2;
/** How many that were given up the platform may keep. */
const KEPT = 64;
/** More than the sockets of both ends take. */
const ENDLESS = new Uint8Array(32 * 1024 * 1024);

/** Silent clients of a listener. */
class Silence implements AsyncDisposable {
  readonly listener: ChannelListener;
  readonly failures: AcceptFailure[] = [];
  readonly #sockets: Socket[] = [];
  #waiting: (() => void) | undefined;

  /** @param onChannel what is done with the channels of others. Default: they are read to their end. */
  constructor(onChannel = (channel: ByteChannel) => start(channel)) {
    this.listener = listenNatively({ kind: "tcp", host: "127.0.0.1", port: 0 }, IDENTITY, TLS, {
      tls: () => TLS,
      handshakeTimeoutMs: 60_000,
      admission: new SocketAdmission({ ...DEFAULT_SOCKET_LIMITS, pendingHandshakes: PENDING }),
      onListening: () => {},
      clock: systemClock,
      refusesResumption: () => false,
      onChannel: ({ channel, settle }) => {
        settle();
        onChannel(channel);
      },
      onFailure: (failure) => {
        this.failures.push(failure);
        this.#waiting?.();
      },
    });
  }

  connect(): Socket {
    const { address } = this.listener;
    assert.ok(address.kind === "tcp");
    const socket = connect({ host: address.host, port: address.port }).on("error", () => {});
    this.#sockets.push(socket);
    return socket;
  }

  /** Whether an honest client gets a channel. */
  async serves(): Promise<boolean> {
    const outcome = await dialChannel(this.listener.address, {
      signal: { timeout: new AbortController().signal },
      tls: CLIENT,
    });
    if (outcome.ok) outcome.channel.destroy();
    return outcome.ok;
  }

  /** Makes silent clients until so many are given up. */
  async giveUp(count: number, onLeft: () => void = () => {}): Promise<void> {
    for (let client = 1; client <= PENDING + count; client++) {
      this.connect().resume().once("close", onLeft);
      await this.until(client - PENDING);
    }
  }

  /** Hangs up those that are still waited for. */
  async hangUp(): Promise<void> {
    for (const socket of this.#sockets.slice(-PENDING)) socket.destroy();
    await this.until(this.failures.length + PENDING);
  }

  /** Resolves once silent clients are hung up on. */
  async endsHandshakes(): Promise<void> {
    // The port changes hands; a client that comes just then is rejected once.
    while (!await this.serves());
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.connect().resume().once("close", () => resolve());
    for (let more = 0; more < PENDING; more++) this.connect();
    await ended;
  }

  async until(count: number): Promise<void> {
    while (this.failures.length < count) {
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener[Symbol.asyncDispose]();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function start(channel: ByteChannel): void {
  channel.start({ received: () => {}, ended: () => channel.end(), closed: () => {} });
}

Deno.test("listenNatively() falls back to a listener that ends handshakes, past 64 left unfinished", async () => {
  await using silence = new Silence();
  let left = 0;
  await silence.giveUp(KEPT + 1, () => left += 1);
  assert.ok(silence.failures.every(({ evictedBy }) => evictedBy === "pendingHandshakes"));
  assert.equal(left, 0);
  await silence.endsHandshakes();
});

Deno.test("listenNatively() goes over where a client that does not read is one too many", async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let first = true;
  await using silence = new Silence((channel) => {
    if (!first) return start(channel);
    first = false;
    channel.start({ received: () => {}, ended: () => {}, closed: () => resolve() });
    channel.write(ENDLESS, () => assert.fail("it was read"));
    channel.destroy();
  });
  await silence.giveUp(KEPT);
  await silence.hangUp();
  assert.ok(silence.listener.address.kind === "tcp");
  const { host, port } = silence.listener.address;
  using deaf = await Deno.connectTls({
    hostname: host,
    port,
    caCerts: [root.pem],
    alpnProtocols: ["h2"],
    unsafelyDisableHostnameVerification: true,
  });
  await deaf.handshake();
  await closed;
  await silence.endsHandshakes();
});

Deno.test("listenNatively() lets go of clients that leave, and stays", async () => {
  await using silence = new Silence();
  for (let client = 1; client <= PENDING + KEPT + 1; client++) {
    const socket = silence.connect();
    socket.once("connect", () => socket.end());
    await silence.until(client);
  }
  assert.ok(silence.failures.every(({ timedOut, code }) => !timedOut && code === "ECONNRESET"));
  assert.ok(await silence.serves());
});

Deno.test("NativeAcceptance counts an IPv4 client of a dual-stack listener by its own address", async () => {
  const failures: AcceptFailure[] = [];
  const conn = {
    remoteAddr: { transport: "tcp", hostname: "::ffff:10.0.0.7", port: 4711 },
    handshake: () => Promise.reject(new Error("it hung up")),
    close: () => {},
  } as unknown as Deno.TlsConn;
  const acceptance = new NativeAcceptance(conn, { kind: "tcp", host: "::", port: 1 }, TLS, {
    tls: () => TLS,
    handshakeTimeoutMs: 60_000,
    admission: new SocketAdmission(DEFAULT_SOCKET_LIMITS),
    onListening: () => {},
    clock: systemClock,
    refusesResumption: () => false,
    onChannel: () => assert.fail("the handshake failed"),
    onFailure: (failure) => failures.push(failure),
  }, () => {});
  await acceptance.begin();
  assert.deepEqual(failures.map(({ remoteAddress }) => remoteAddress), ["10.0.0.7:4711"]);
});
