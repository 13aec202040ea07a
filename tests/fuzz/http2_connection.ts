/**
 * Random peers against both ends of a connection. As a program: `deno run tests/fuzz/http2_connection.ts SECONDS [SEED]`.
 */
import { strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers";
import fc, { HUNG_MS, seedProgram } from "../support/fast_check.ts";
import { ByteBudget } from "../../src/http2/guard/byte_budget.ts";
import { openClientConnection } from "../../src/http2/connection/client_connection.ts";
import type { Connection } from "../../src/http2/connection/connection.ts";
import {
  frame,
  ManualTime,
  RawPeer,
  REQUEST,
  RESPONSE,
  settle,
  uint32,
} from "../support/http2/test_peer.ts";
import { Flag, FrameType } from "../../src/http2/frame/frame_header.ts";
import { encodeSettings } from "../../src/http2/frame/settings.ts";
import type { HeaderList } from "../../src/http2/header_list.ts";
import { memoryChannelPair } from "../../src/http2/memory_channel.ts";
import { openServerConnection } from "../../src/http2/connection/server_connection.ts";
import type { Stream, StreamEnd, StreamReceiver } from "../../src/http2/streams/stream.ts";

/** How long to look for a peer that breaks a connection. */
export interface FuzzOptions {
  /** How many random peers to try. Default: as many as fit in `seconds`. */
  readonly numRuns?: number;
  /** How long to try, in seconds. Default: until `numRuns` were tried. */
  readonly seconds?: number;
}

/** What a random peer does, one step after the other. */
type Step =
  | { readonly kind: "frame"; readonly bytes: Uint8Array }
  | {
    readonly kind: "headers";
    readonly id: number;
    readonly fields: HeaderList;
    readonly end: boolean;
  }
  | { readonly kind: "act"; readonly choice: number }
  | { readonly kind: "pause" | "resume" | "settle" }
  | { readonly kind: "advance"; readonly ms: number };

/**
 * Lets random peers loose on a server and on a client whose programs act at random too.
 *
 * @throws where a connection throws, does not end, reports a stream's end twice, or keeps memory or a timer.
 */
export async function fuzzConnection(options: FuzzOptions): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), runPeer),
    {
      numRuns: options.numRuns ?? 1e9,
      timeout: HUNG_MS,
      ...(options.seconds !== undefined && {
        interruptAfterTimeLimit: options.seconds * 1000,
        markInterruptAsFailure: false,
      }),
    },
  );
}

const streamId = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 9 }), weight: 9 },
  { arbitrary: fc.nat(0x7fff_ffff), weight: 1 },
);

const fields = fc.oneof(
  fc.constant(REQUEST),
  fc.constant(RESPONSE),
  fc.constant([":status", "103"]),
  fc.constant([...REQUEST, "content-length", "3"]),
  fc.array(fc.tuple(fc.constantFrom("x", ":path", "te", "X"), fc.string({ unit: "binary-ascii" })))
    .map((pairs) => pairs.flat()),
);

const setting = fc.tuple(
  fc.integer({ min: 0, max: 7 }),
  fc.oneof(fc.nat(70_000), fc.nat(0xffff_ffff)),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("headers" as const), id: streamId, fields, end: fc.boolean() }),
  fc.record({ kind: fc.constant("act" as const), choice: fc.nat(1000) }),
  fc.record({ kind: fc.constantFrom("pause" as const, "resume" as const, "settle" as const) }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(12_000) }),
  fc.oneof(
    fc.tuple(streamId, fc.nat(20_000), fc.boolean()).map(([id, length, end]) =>
      frame(FrameType.DATA, end ? Flag.END_STREAM : 0, id, new Uint8Array(length % 16_385))
    ),
    fc.tuple(streamId, fc.oneof(fc.nat(100), fc.nat(0x7fff_ffff))).map(([id, increment]) =>
      frame(FrameType.WINDOW_UPDATE, 0, id, uint32(increment))
    ),
    fc.tuple(streamId, fc.nat(14)).map(([id, code]) =>
      frame(FrameType.RST_STREAM, 0, id, uint32(code))
    ),
    fc.array(setting, { maxLength: 6 }).map((settings) => encodeSettings(settings)),
    fc.tuple(fc.nat(9), fc.nat(14)).map(([last, code]) =>
      frame(FrameType.GOAWAY, 0, 0, Uint8Array.of(...uint32(last), ...uint32(code)))
    ),
    fc.tuple(fc.nat(11), fc.nat(255), streamId, fc.uint8Array({ maxLength: 30 })).map(
      ([type, flags, id, payload]) => frame(type, flags, id, payload),
    ),
    fc.uint8Array({ maxLength: 30 }),
  ).map((bytes) => ({ kind: "frame" as const, bytes })),
);

async function runPeer(steps: readonly Step[], againstServer: boolean): Promise<void> {
  const [near, far] = memoryChannelPair();
  const time = new ManualTime();
  const budget = new ByteBudget(1_000_000);
  const program = new RandomProgram();
  const options = { clock: time.clock, schedule: time.schedule, budget };
  const connection = againstServer
    ? openServerConnection(far, {
      ...options,
      onRequest: (stream) => program.take(stream),
    })
    : openClientConnection(far, options);
  const peer = againstServer ? RawPeer.client(near) : RawPeer.server(near);
  if (!againstServer) program.client = connection as ReturnType<typeof openClientConnection>;
  for (const step of steps) await take(step, peer, time, connection, program);
  await settle();
  peer.destroy();
  const { error } = await connection.closed;
  if (error) {
    strictEqual(error.name === "Http2Violation" || /PING/.test(error.message), true, error.stack);
  }
  strictEqual(connection.state, "closed");
  strictEqual(connection.streamCount, 0);
  strictEqual(budget.heldBytes, 0);
  strictEqual(time.armed, 0);
  await settle();
  program.checkEnds();
}

async function take(
  step: Step,
  peer: RawPeer,
  time: ManualTime,
  connection: Connection,
  program: RandomProgram,
): Promise<void> {
  switch (step.kind) {
    case "frame":
      return peer.send(step.bytes);
    case "headers":
      return peer.headers(step.id, step.fields, step.end);
    case "act":
      return program.act(step.choice, connection);
    case "pause":
      return peer.pause();
    case "resume":
      return peer.resume();
    case "settle":
      return await new Promise((resolve) => setImmediate(resolve));
    case "advance":
      return time.advance(step.ms);
  }
}

/** A program that opens, answers, sends, releases and resets as instructed, right or wrong. */
class RandomProgram {
  client: ReturnType<typeof openClientConnection> | undefined;
  readonly #streams: Stream[] = [];
  readonly #receivers: CountingReceiver[] = [];

  take(stream?: Stream): CountingReceiver {
    if (stream) this.#streams.push(stream);
    const receiver = new CountingReceiver();
    this.#receivers.push(receiver);
    return receiver;
  }

  act(choice: number, connection: Connection): void {
    const stream = this.#streams[choice % Math.max(1, this.#streams.length)];
    try {
      switch (choice % 11) {
        case 0:
          this.#open(choice);
          break;
        case 1:
          return stream?.sendHeaders(RESPONSE, choice % 2 === 0);
        case 2:
          stream?.sendData(new Uint8Array(choice * 200), choice % 3 === 0);
          break;
        case 3:
          return stream?.sendTrailers(["x-sum", String(choice)]);
        case 4:
          return stream?.reset(choice % 14);
        case 5:
          return stream?.sendHeaders([":status", "103"], false);
        case 6:
          if (choice % 5 === 0) connection.shutdown();
          break;
        case 7:
          if (choice % 31 === 0) connection.abort(choice % 14);
          break;
        case 8:
          connection.ping().catch(() => {});
          break;
        default:
          return stream?.release(choice * 30);
      }
    } catch (error) {
      // Misuse is reported to the program as a TypeError, and as nothing else.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Every stream that had a receiver has ended, once. */
  checkEnds(): void {
    for (const { ends } of this.#receivers) strictEqual(ends.length, 1);
  }

  #open(choice: number): void {
    if (!this.client) return;
    const body = new Uint8Array(choice * 100);
    const receiver = this.take();
    this.#streams.push(this.client.open(REQUEST, receiver, { endStream: choice % 2 === 0, body }));
  }
}

class CountingReceiver implements StreamReceiver {
  readonly ends: StreamEnd[] = [];

  headers(): void {
    this.#mustBeOpen();
  }

  data(): void {
    this.#mustBeOpen();
  }

  trailers(): void {
    this.#mustBeOpen();
  }

  writable(): void {
    this.#mustBeOpen();
  }

  closed(end: StreamEnd): void {
    this.ends.push(end);
  }

  #mustBeOpen(): void {
    if (this.ends.length > 0) throw new Error("reported something after its end");
  }
}

if (import.meta.main) {
  seedProgram(Deno.args[1]);
  await fuzzConnection({ seconds: Number(Deno.args[0] ?? 60) });
}
