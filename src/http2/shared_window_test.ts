import { ok, strictEqual } from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import type { ClientConnection } from "./connection/connection.ts";
import { openClientConnection } from "./connection/client_connection.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import { Flag, FrameType } from "./frame/frame_header.ts";
import { ByteBudget } from "./guard/byte_budget.ts";
import { defaultHttp2Limits } from "./limits.ts";
import type { Stream, StreamReceiver } from "./streams/stream.ts";
import {
  CollectedStream,
  frame,
  memoryChannelPair,
  RawPeer,
  REQUEST,
  RESPONSE,
} from "../../tests/support/http2/test_peer.ts";

const FRAME_BYTES = 16_384;
const FRAME = new Uint8Array(FRAME_BYTES);
const MAX_WINDOW = 1_048_576;
/** Of a client's streams, and of a server's. */
const SHARED_WINDOW = 360_448;
const SHARED_WINDOW_OF_SERVER = 589_824;
const CONNECTION_WINDOW = 131_072;
/** Less than what four windows hold; half of it is in use after ten frames that are not read. */
const BUDGET_BYTES = 327_680;
const STREAMS = 4;

/** A stream whose reader may pause. */
class Reader implements StreamReceiver {
  readonly id: number;
  readonly #stream: Stream;
  paused = false;
  held = 0;
  sent = 0;
  released = 0;
  /** The largest of what the peer could send at once that was released before. */
  mostGranted: number;

  constructor(client: ClientConnection, id: number, atFirst: number) {
    this.id = id;
    this.mostGranted = atFirst;
    this.#stream = client.open(REQUEST, this, { endStream: true });
  }

  headers(): void {}
  trailers(): void {}
  writable(): void {}
  closed(): void {}

  data(bytes: Uint8Array): void {
    this.held += bytes.length;
    if (!this.paused) this.go();
  }

  go(): void {
    this.paused = false;
    this.released += this.held;
    const count = this.held;
    this.held = 0;
    this.#stream.release(count);
  }
}

/** A client with readers that pause, and a peer that keeps to the windows it is given. */
class Shared {
  readonly #atFirst: number;
  readonly #client: ClientConnection;
  readonly #peer: RawPeer;
  readonly #budget = new ByteBudget(BUDGET_BYTES);
  readonly #readers: Reader[];
  #now = 0;
  #nextId = 1;
  #calls: number[] = [];
  #sent = 0;

  private constructor(atFirst: number) {
    const [near, far] = memoryChannelPair();
    this.#atFirst = atFirst;
    this.#client = openClientConnection(near, {
      limits: {
        streamWindowBytes: atFirst,
        maxStreamWindowBytes: MAX_WINDOW,
        connectionWindowBytes: CONNECTION_WINDOW,
        keepaliveIdleMs: 600_000,
      },
      budget: this.#budget,
      clock: () => this.#now,
    });
    this.#peer = RawPeer.server(far);
    this.#readers = Array.from(
      { length: STREAMS },
      () => new Reader(this.#client, this.#takeId(), atFirst),
    );
  }

  /** One whose round trip was measured: 0 ms. */
  static async open(atFirst: number): Promise<Shared> {
    const shared = new Shared(atFirst);
    const measured = shared.#client.ping();
    const { payload } = await shared.#peer.expect(FrameType.PING);
    shared.#peer.send(frame(FrameType.PING, Flag.ACK, 0, payload));
    strictEqual(await measured, 0);
    await shared.#peer.synced();
    for (const { id } of shared.#readers) shared.#peer.headers(id, RESPONSE, false);
    return shared;
  }

  async step(action: string, at: number, count: number): Promise<void> {
    await this.#openCalls(count / 2);
    const reader = this.#readers[at]!;
    if (action === "pause") reader.paused = true;
    else if (action === "go") await this.#checked(() => reader.go());
    else if (action === "rest") this.#now += count * 100;
    else await this.#send(reader, count, action === "beside calls");
  }

  /** Does what changes windows once at most, and checks them. */
  async #checked(act: () => void): Promise<void> {
    const heldBefore = this.#budget.heldBytes;
    const before = this.#readers.map(({ id, paused }) => ({
      paused,
      credit: this.#peer.credit(id),
    }));
    act();
    await this.#peer.synced();
    const isShort = Math.min(heldBefore, this.#budget.heldBytes) * 2 >= BUDGET_BYTES;
    for (const [n, { paused, credit }] of before.entries()) {
      const reader = this.#readers[n]!;
      if (paused && reader.paused) strictEqual(this.#peer.credit(reader.id), credit);
      const granted = this.granted(n);
      ok(granted <= MAX_WINDOW, `a window of ${granted}`);
      if (isShort) ok(granted <= reader.mostGranted, `grows to ${granted} while memory is short`);
      reader.mostGranted = Math.max(reader.mostGranted, granted);
    }
    ok(
      this.#budget.heldBytes < BUDGET_BYTES / 2 + CONNECTION_WINDOW + 2 * FRAME_BYTES,
      `${this.#budget.heldBytes} octets are held`,
    );
  }

  /** A stream's window less what is owed of it. */
  granted(at: number): number {
    const { id, released } = this.#readers[at]!;
    return this.#atFirst + this.#peer.credit(id) - released;
  }

  /** All readers go on, and one of them beside calls for long enough. */
  async finish(): Promise<void> {
    for (let at = 0; at < STREAMS; at++) await this.step("go", at, 0);
    for (let n = 0; n < 40; n++) await this.step("beside calls", 0, 4);
    strictEqual(this.#peer.on(0, FrameType.GOAWAY).length, 0);
    strictEqual(this.#readers.every(({ sent, released }) => sent === released), true);
    strictEqual(this.#budget.heldBytes, 0);
    this.#peer.destroy();
    await this.#client.closed;
  }

  async #send(reader: Reader, frames: number, besideCalls: boolean): Promise<void> {
    for (let n = 0; n < frames; n++) {
      const window = this.#atFirst + this.#peer.credit(reader.id) - reader.sent;
      if (window < FRAME_BYTES || !this.#take(FRAME_BYTES)) return;
      reader.sent += FRAME_BYTES;
      await this.#checked(() => this.#peer.data(reader.id, FRAME, false));
      if (besideCalls && n % 2 === 1 && this.#take(10)) this.#answerCall();
    }
  }

  /** Calls that the peer has received, so many at least. */
  async #openCalls(count: number): Promise<void> {
    while (this.#calls.length < count) {
      const answer = new CollectedStream();
      answer.stream = this.#client.open(REQUEST, answer, { endStream: true });
      this.#calls.push(this.#takeId());
    }
    await this.#peer.synced();
  }

  #answerCall(): void {
    const id = this.#calls.shift()!;
    this.#peer.headers(id, RESPONSE, false);
    this.#peer.data(id, new Uint8Array(10), true);
  }

  /** Whether the connection's window has room for so much, which is then sent. */
  #take(bytes: number): boolean {
    if (65_535 + this.#peer.credit(0) - this.#sent < bytes) return false;
    this.#sent += bytes;
    return true;
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }
}

const action = fc.tuple(
  fc.constantFrom("beside calls", "beside calls", "alone", "pause", "pause", "go", "rest"),
  fc.nat({ max: STREAMS - 1 }),
  fc.integer({ min: 1, max: 12 }),
);

for (const atFirst of [131_072, MAX_WINDOW]) {
  Deno.test(`windows of ${atFirst} octets at first stay within their limit and the budget, whichever readers pause, and end at that of streams beside calls`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: "max" }), async (actions) => {
        const shared = await Shared.open(atFirst);
        for (const [name, at, count] of actions) await shared.step(name, at, count);
        await shared.finish();
        const granted = shared.granted(0);
        ok(granted <= SHARED_WINDOW && granted > SHARED_WINDOW * 3 / 4, `it is ${granted}`);
      }),
      { numRuns: 40 },
    );
  });
}

Deno.test("a request's window beside other requests ends at that of streams beside calls", async () => {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(near, { onRequest: readAll });
  const peer = RawPeer.client(far);
  peer.headers(1, REQUEST, false);
  let sent = 0;
  for (let call = 3; call < 203; call += 2) {
    for (let n = 0; n < 3; n++) {
      sent += FRAME_BYTES;
      peer.data(1, FRAME, false);
    }
    peer.headers(call, REQUEST, false);
    peer.data(call, new Uint8Array(10), true);
    await peer.synced();
  }
  const granted = defaultHttp2Limits.streamWindowBytes + peer.credit(1) - sent;
  ok(
    granted <= SHARED_WINDOW_OF_SERVER && granted > SHARED_WINDOW_OF_SERVER * 3 / 4,
    `it is ${granted}`,
  );
  peer.destroy();
  await server.closed;
});

/** Takes requests as they arrive, and answers none. */
function readAll(stream: Stream): StreamReceiver {
  const ignore = () => {};
  return {
    headers: ignore,
    data: (bytes) => stream.release(bytes.length),
    trailers: ignore,
    writable: ignore,
    closed: ignore,
  };
}
