/** GOAWAY, RST_STREAM and answers of a server, in every order, around calls that are being opened. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { openClientConnection } from "./connection/client_connection.ts";
import type { ClientConnection } from "./connection/connection.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import { ErrorCode } from "./error_code.ts";
import { FrameType, readUint31 } from "./frame/frame_header.ts";
import { Setting } from "./frame/settings.ts";
import { ByteBudget } from "./guard/byte_budget.ts";
import { HeldChannel } from "../../tests/support/http2/held_channel.ts";
import { memoryChannelPair } from "../../tests/support/http2/watched_pair.ts";
import type { StreamEnd } from "./streams/stream.ts";
import {
  CollectedStream,
  frame,
  joinBytes,
  ManualTime,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  textBytes,
  uint32,
} from "../../tests/support/http2/test_peer.ts";

const EVERY_ID = 2 ** 31 - 1;
/** How many streams the server takes at once; more wait unsent. */
const CONCURRENT = 3;

function goAway(lastStreamId: number, code: ErrorCode = ErrorCode.NO_ERROR): Uint8Array {
  return frame(FrameType.GOAWAY, 0, 0, joinBytes([uint32(lastStreamId), uint32(code)]));
}

function reset(streamId: number, code: ErrorCode): Uint8Array {
  return frame(FrameType.RST_STREAM, 0, streamId, uint32(code));
}

/** A call, and what the frames that have arrived make of it. */
class Expected {
  readonly received = new CollectedStream();
  how: StreamEnd["how"] | undefined;
  /** 0 while the call waits for its turn. */
  id = 0;
  requestEnded: boolean;
  answered: "not" | "begun" | "whole" = "not";

  constructor(requestEnded: boolean) {
    this.requestEnded = requestEnded;
  }

  /** The first end counts. */
  end(how: StreamEnd["how"]): void {
    this.how ??= how;
  }

  disowned(): void {
    this.end(this.answered === "not" ? "not-processed" : "connection-lost");
  }
}

/** A client, a raw server, and what is to become of each call. */
class Scene {
  readonly client: ClientConnection;
  readonly peer: RawPeer;
  readonly calls: Expected[] = [];
  readonly budget = new ByteBudget(2 ** 30);
  lastId = EVERY_ID;
  #drains = false;
  #nextId = 1;
  /** The last call whose request the server has seen. */
  #seenId = 0;

  constructor() {
    const [near, far] = memoryChannelPair();
    const { clock, schedule } = new ManualTime();
    this.client = openClientConnection(near, { clock, schedule, budget: this.budget });
    this.peer = RawPeer.server(far, [[Setting.MAX_CONCURRENT_STREAMS, CONCURRENT]]);
  }

  open(endStream: boolean): void {
    const call = new Expected(endStream);
    this.calls.push(call);
    call.received.stream = this.client.open(REQUEST, call.received, { endStream });
    if (this.#drains) call.end("not-processed");
    this.#startWaiting();
  }

  cancel(call: Expected): void {
    call.end(call.id === 0 ? "not-processed" : "reset-by-us");
    call.received.stream!.reset(ErrorCode.CANCEL);
    this.#startWaiting();
  }

  endRequest(call: Expected): void {
    if (call.requestEnded || call.how !== undefined) return;
    call.requestEnded = true;
    call.received.stream!.sendData(textBytes("end"), true);
    this.#completeWhole(call);
  }

  answer(call: Expected, endStream: boolean): void {
    if (call.answered === "not") this.peer.headers(call.id, RESPONSE, endStream);
    else if (call.answered === "begun") this.peer.data(call.id, textBytes("part"), endStream);
    else return;
    if (call.how !== undefined) return;
    call.answered = endStream ? "whole" : "begun";
    this.#completeWhole(call);
  }

  reset(call: Expected, code: ErrorCode): void {
    this.peer.send(reset(call.id, code));
    const kept = call.answered === "whole" && code === ErrorCode.NO_ERROR;
    const refused = call.answered === "not" && code === ErrorCode.REFUSED_STREAM;
    call.end(kept ? "complete" : refused ? "not-processed" : "reset-by-peer");
    this.#startWaiting();
  }

  goAway(lastId: number): void {
    this.lastId = Math.min(lastId, this.lastId);
    this.peer.send(goAway(this.lastId));
    this.#drains = true;
    // A call whose turn came with frames of the same reading has not been sent either.
    const known = Math.min(this.lastId, this.#seenId);
    for (const call of this.calls) if (call.id === 0 || call.id > known) call.disowned();
  }

  breakOff(): void {
    this.peer.destroy();
    for (const call of this.calls) call.end(call.id === 0 ? "not-processed" : "connection-lost");
  }

  /** Waits until each end has seen what the other has sent. */
  async settle(): Promise<void> {
    await settle();
    this.#seenId = this.#nextId - 2;
  }

  /** Calls on which the server may still send something: those that it has seen and has not ended itself. */
  known(which: number): Expected | undefined {
    const known = this.calls.filter(({ id, how }) =>
      id !== 0 && id <= this.#seenId && how !== "reset-by-peer"
    );
    return known[which % known.length];
  }

  #completeWhole(call: Expected): void {
    if (call.requestEnded && call.answered === "whole") call.end("complete");
    this.#startWaiting();
  }

  #startWaiting(): void {
    for (const call of this.calls) {
      if (call.how !== undefined || call.id !== 0) continue;
      const active = this.calls.filter(({ id, how }) => id !== 0 && how === undefined);
      if (active.length === CONCURRENT) return;
      call.id = this.#nextId;
      this.#nextId += 2;
    }
  }
}

const ACTS: Readonly<Record<string, (scene: Scene, which: number) => void>> = {
  "open": (scene) => scene.open(true),
  "open more": (scene) => scene.open(false),
  "cancel": (scene, which) => {
    const open = scene.calls.filter(({ how }) => how === undefined);
    if (open.length > 0) scene.cancel(open[which % open.length]!);
  },
  "end a request": (scene, which) => {
    const call = scene.calls[which % scene.calls.length];
    if (call !== undefined) scene.endRequest(call);
  },
  "answer": (scene, which) => {
    const call = scene.known(which);
    // On a call that has ended well, the server has nothing more to send.
    if (call !== undefined && call.how !== "complete") scene.answer(call, which % 2 === 0);
  },
  "reset": (scene, which) => {
    const call = scene.known(which);
    const codes = [ErrorCode.CANCEL, ErrorCode.REFUSED_STREAM, ErrorCode.NO_ERROR] as const;
    if (call !== undefined && call.how === undefined) scene.reset(call, codes[which % 3]!);
  },
  "go away": (scene, which) => {
    const ids = scene.calls.map(({ id }) => id);
    scene.goAway([0, EVERY_ID, ...ids, ...ids.map((id) => id + 1)][which % (2 + 2 * ids.length)]!);
  },
};

const SERVER_ACTS: readonly string[] = ["answer", "reset", "go away"];

const act = fc.tuple(fc.constantFrom(...Object.keys(ACTS)), fc.nat(1000));

Deno.test("whatever a server says in whatever order, each call ends once, as it is known to have ended", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 25 }), fc.boolean(), async (steps, atOnce) => {
      const scene = new Scene();
      await scene.settle();
      for (const [name, which] of steps) {
        // Either each step is seen before the next, or the server's pile up.
        const isOfServer = SERVER_ACTS.includes(name);
        if (!isOfServer) await scene.settle();
        ACTS[name]!(scene, which);
        if (!atOnce || !isOfServer) await scene.settle();
      }
      await scene.settle();
      const seen = scene.calls.map(({ received }) => received.end?.how);
      deepStrictEqual(seen, scene.calls.map(({ how }) => how), JSON.stringify(steps));
      scene.breakOff();
      await scene.client.closed;
      deepStrictEqual(
        scene.calls.map(({ received }) => received.end?.how),
        scene.calls.map(({ how }) => how),
      );
      deepStrictEqual([scene.client.streamCount, scene.budget.heldBytes], [0, 0]);
    }),
    { numRuns: 400 },
  );
});

Deno.test("a client that shuts down first sends the calls that it has opened, also those that wait", async () => {
  const [near, far] = memoryChannelPair();
  const begun: number[] = [];
  const server = openServerConnection(far, {
    limits: { maxConcurrentStreams: 2 },
    onRequest: (stream, _fields, endStream) => {
      begun.push(stream.id);
      stream.sendHeaders(RESPONSE, endStream);
      return { data: () => {}, trailers: () => {}, closed: () => {} };
    },
  });
  const client = openClientConnection(near);
  const open = (count: number) =>
    Array.from({ length: count }, () => {
      const call = new CollectedStream();
      client.open(REQUEST, call, { endStream: true });
      return call;
    });
  const first = open(1);
  await settle();
  const calls = [...first, ...open(5)];
  client.shutdown();
  strictEqual(client.state, "draining");
  for (const call of calls) strictEqual((await call.ended).how, "complete");
  deepStrictEqual(begun, [1, 3, 5, 7, 9, 11]);
  strictEqual((await client.closed).how, "orderly");
  strictEqual((await server.closed).how, "orderly");
});

Deno.test("a call that comes above the last id that was announced is refused, body and all, and the others go on", async () => {
  const [near, far] = memoryChannelPair();
  const time = new ManualTime();
  const begun: number[] = [];
  const server = openServerConnection(far, {
    clock: time.clock,
    schedule: time.schedule,
    onRequest: (stream) => {
      begun.push(stream.id);
      return {
        data: (_bytes, endStream) => endStream && stream.sendHeaders(RESPONSE, true),
        trailers: () => {},
        closed: () => {},
      };
    },
  });
  const peer = RawPeer.client(near);
  peer.headers(1, REQUEST, false);
  await settle();
  server.shutdown();
  // A peer that does not answer the PING in between is sent the last id all the same.
  time.advance(2000);
  await peer.expect(FrameType.GOAWAY, ({ payload }) => readUint31(payload, 0) === 1);
  peer.headers(3, REQUEST, false);
  peer.data(3, textBytes("under way"), false);
  peer.headers(3, ["x-sum", "1"], true);
  peer.headers(5, REQUEST, true);
  for (const id of [3, 5]) strictEqual(await peer.resetCode(id), ErrorCode.REFUSED_STREAM);
  peer.data(1, textBytes("end"), true);
  await peer.expect(FrameType.HEADERS, ({ streamId }) => streamId === 1);
  deepStrictEqual(begun, [1]);
  peer.end();
  strictEqual((await server.closed).how, "orderly");
});

for (const cut of ["GOAWAY", "RST_STREAM"] as const) {
  Deno.test(`a call that is answered and then disowned by ${cut} is not reported as never begun`, async () => {
    const scene = new Scene();
    await settle();
    scene.open(true);
    await settle();
    scene.peer.headers(1, RESPONSE, false);
    scene.peer.send(cut === "GOAWAY" ? goAway(0) : reset(1, ErrorCode.REFUSED_STREAM));
    const { how } = await scene.calls[0]!.received.ended;
    strictEqual(how, cut === "GOAWAY" ? "connection-lost" : "reset-by-peer");
    scene.peer.destroy();
    await scene.client.closed;
  });
}

Deno.test("the end of a request needs no window, and takes none where a smaller one has made it negative", async () => {
  const [near, far] = memoryChannelPair();
  const server = openServerConnection(far, {
    limits: { streamWindowBytes: 1000 },
    onRequest: (stream) => ({
      data: (_bytes, endStream) => endStream && stream.sendHeaders(RESPONSE, true),
      trailers: () => {},
      closed: () => {},
    }),
  });
  const held = new HeldChannel(near, 0);
  const client = openClientConnection(held);
  const call = new CollectedStream();
  // Sent within the window that holds before SETTINGS arrive.
  const stream = client.open(REQUEST, call, { endStream: false, body: new Uint8Array(5000) });
  await settle();
  held.deliver();
  await settle();
  stream.sendData(new Uint8Array(0), true);
  await settle();
  held.deliver();
  deepStrictEqual(call.end, { how: "complete", code: ErrorCode.NO_ERROR });
  client.shutdown();
  await settle();
  held.deliver();
  strictEqual((await server.closed).how, "orderly");
});

Deno.test("bytes that a reader releases after the connection was lost are given back once", async () => {
  const [near, far] = memoryChannelPair();
  const budget = new ByteBudget(2 ** 30);
  const client = openClientConnection(near, { budget });
  const peer = RawPeer.server(far);
  const released: (() => void)[] = [];
  const ended = Promise.withResolvers<void>();
  const stream = client.open(REQUEST, {
    data: (bytes) => void released.push(() => stream.release(bytes.length)),
    trailers: () => {},
    closed: () => ended.resolve(),
  }, { endStream: true });
  await peer.expect(FrameType.HEADERS);
  peer.headers(1, RESPONSE, false);
  peer.data(1, new Uint8Array(1000), true);
  await ended.promise;
  peer.destroy();
  await client.closed;
  strictEqual(budget.heldBytes, 0);
  for (const release of released) release();
  strictEqual(budget.heldBytes, 0);
});
