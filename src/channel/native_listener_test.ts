import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { systemClock } from "../observe/mod.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import {
  type AcceptFailure,
  type ChannelListener,
  clientContext,
  dialChannel,
  listenNatively,
  serverTls,
} from "./mod.ts";

const root = makeCertificate({ name: "root", authority: true });
const worker = makeCertificate({ names: [{ dns: "worker" }], issuer: root });
const IDENTITY = { certificate: worker.pem, key: worker.keyPem };
const TLS = serverTls({ identity: IDENTITY, clientCa: undefined, minVersion: "TLSv1.2" });
const CLIENT = {
  context: clientContext({ ca: [root.pem], minVersion: "TLSv1.2" }),
  mutual: false,
};
/** How many may be silent at once before the oldest is given up. */
const PENDING = 2;
/** How many that were given up the platform may keep. */
const KEPT = 64;

/** Silent clients of a listener. */
class Silence implements AsyncDisposable {
  readonly listener: ChannelListener;
  readonly failures: AcceptFailure[] = [];
  readonly #sockets: Socket[] = [];
  #waiting: (() => void) | undefined;

  constructor() {
    this.listener = listenNatively({ kind: "tcp", host: "127.0.0.1", port: 0 }, IDENTITY, TLS, {
      tls: () => TLS,
      handshakeTimeoutMs: 60_000,
      pendingHandshakes: PENDING,
      clock: systemClock,
      refusesResumption: () => false,
      onChannel: ({ channel, settle }) => {
        settle();
        channel.start({ received: () => {}, ended: () => channel.end(), closed: () => {} });
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

Deno.test("listenNatively() goes over to a listener that ends handshakes, past 64 left unfinished", async () => {
  await using silence = new Silence();
  let left = 0;
  for (let client = 1; client <= PENDING + KEPT + 1; client++) {
    silence.connect().resume().once("close", () => left += 1);
    await silence.until(client - PENDING);
  }
  assert.ok(silence.failures.every(({ timedOut }) => timedOut));
  // The port changes hands; whoever comes just then is turned away once.
  while (!await silence.serves());
  assert.equal(left, 0);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  silence.connect().resume().once("close", () => resolve());
  for (let more = 0; more < PENDING; more++) silence.connect();
  await ended;
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
