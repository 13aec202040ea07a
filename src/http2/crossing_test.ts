/** Calls, their ends, cancellations and the end of the connection cross on the wire in every order. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers";
import fc from "../../tests/support/fast_check.ts";
import { openClientConnection } from "./connection/client_connection.ts";
import type { ClientConnection, ServerConnection } from "./connection/connection.ts";
import { openServerConnection } from "./connection/server_connection.ts";
import { ErrorCode } from "./error_code.ts";
import { CLIENT_PREFACE } from "./frame/preface.ts";
import { ByteBudget } from "./guard/byte_budget.ts";
import type { HeaderList } from "./header_list.ts";
import { HeldChannel } from "../../tests/support/http2/held_channel.ts";
import type { Http2Limits } from "./limits.ts";
import { memoryChannelPair, settle } from "../../tests/support/http2/watched_pair.ts";
import type { Stream, StreamEnd, StreamReceiver } from "./streams/stream.ts";
import { ManualTime, REQUEST, RESPONSE } from "../../tests/support/http2/test_peer.ts";

const LIMITS: Partial<Http2Limits> = {
  connectionWindowBytes: 65_535,
  streamWindowBytes: 20_000,
  streamQueueBytes: 1_000_000,
  maxConcurrentStreams: 4,
  resetBurst: 100_000,
  overheadFrameBurst: 100_000,
};

/** One end of one call, which counts what is reported to it. */
class CallEnd implements StreamReceiver {
  stream!: Stream;
  readonly ends: StreamEnd[] = [];
  received = 0;
  sent = 0;
  /** We have ended our direction, or the stream. */
  done = false;
  wasReset = false;
  headersSent = false;
  readonly holds: boolean;
  #held = 0;

  constructor(readonly id: string, which: number) {
    this.holds = which % 2 === 0;
  }

  get isOver(): boolean {
    return this.ends.length > 0;
  }

  headers(): void {
    strictEqual(this.ends.length, 0, "headers after the end");
  }

  data(bytes: Uint8Array): void {
    strictEqual(this.ends.length, 0, "data after the end");
    this.received += bytes.length;
    this.#held += bytes.length;
    if (!this.holds) this.release();
  }

  trailers(): void {
    strictEqual(this.ends.length, 0, "trailers after the end");
  }

  closed(end: StreamEnd): void {
    this.ends.push(end);
  }

  release(): void {
    this.stream.release(this.#held);
    this.#held = 0;
  }

  send(size: number, end: boolean): void {
    if (this.done || this.isOver) return;
    this.done = end;
    this.sent += size;
    this.stream.sendData(new Uint8Array(size), end);
  }

  reset(code: ErrorCode): void {
    if (this.isOver) return;
    [this.done, this.wasReset] = [true, true];
    this.stream.reset(code);
  }
}

/** A client and a server of ours, and everything that was called between them. */
class Crossing {
  readonly client: ClientConnection;
  readonly server: ServerConnection;
  readonly toClient: HeldChannel;
  readonly toServer: HeldChannel;
  readonly budget = new ByteBudget(2 ** 30);
  readonly callers: CallEnd[] = [];
  readonly callees: CallEnd[] = [];
  /** Calls that began, in order, once for each time that they did. */
  readonly ledger: string[] = [];
  /** The connection was broken off. */
  broken = false;
  readonly #time = new ManualTime();
  #refuseNext = false;

  constructor() {
    const [near, far] = memoryChannelPair();
    const time = this.#time;
    const { budget } = this;
    const options = { limits: LIMITS, clock: time.clock, schedule: time.schedule, budget };
    this.toClient = new HeldChannel(near, 0);
    this.toServer = new HeldChannel(far, CLIENT_PREFACE.length);
    this.server = openServerConnection(this.toServer, {
      ...options,
      onRequest: (stream, fields) => this.#begin(stream, fields),
    });
    this.client = openClientConnection(this.toClient, options);
  }

  open(which: number, size: number, endStream: boolean): void {
    const caller = new CallEnd(`call-${this.callers.length}`, which);
    this.callers.push(caller);
    caller.done = endStream;
    caller.sent = size;
    caller.stream = this.client.open([...REQUEST, "call", caller.id], caller, {
      endStream,
      ...(size > 0 ? { body: new Uint8Array(size) } : {}),
    });
  }

  refuseNext(): void {
    this.#refuseNext = true;
  }

  /** Ends what is open on both sides, and delivers until nothing moves. */
  async finish(): Promise<void> {
    for (let round = 0; round < 60; round++) {
      // One end has left, and the other waits for what will not come.
      if (round > 40) this.#time.advance(1_000);
      for (const end of [...this.callers, ...this.callees]) {
        end.release();
        if (!end.headersSent && this.callees.includes(end)) answer(end);
        end.send(0, true);
      }
      await settle();
      this.toServer.deliver();
      this.toClient.deliver();
      await settle();
      const streams = this.client.streamCount + this.server.streamCount;
      if (streams > 0 || this.toServer.holds || this.toClient.holds) continue;
      for (const end of [...this.callers, ...this.callees]) end.release();
      return;
    }
    throw new Error("the calls do not end");
  }

  #begin(stream: Stream, fields: HeaderList): StreamReceiver {
    const id = fields[fields.indexOf("call") + 1]!;
    const callee = new CallEnd(id, this.callees.length);
    callee.stream = stream;
    this.callees.push(callee);
    if (this.#refuseNext) callee.reset(ErrorCode.REFUSED_STREAM);
    else this.ledger.push(id);
    this.#refuseNext = false;
    return callee;
  }
}

function answer(callee: CallEnd): void {
  if (callee.isOver || callee.headersSent) return;
  callee.headersSent = true;
  callee.stream.sendHeaders(RESPONSE, false);
}

type Act = (crossing: Crossing, which: number, size: number) => void | Promise<void>;

const chosen = (ends: readonly CallEnd[], which: number) => {
  const open = ends.filter(({ isOver }) => !isOver);
  return open[which % open.length];
};

/** What may happen at any moment. */
const ACTS: Readonly<Record<string, Act>> = {
  "opens a call": (crossing, which, size) => crossing.open(which, size, which % 3 > 0),
  "opens a call with little": (crossing, which) => crossing.open(which, which % 3, which % 2 > 0),
  "sends": ({ callers }, which, size) => chosen(callers, which)?.send(size, size % 2 > 0),
  "cancels": ({ callers }, which) => chosen(callers, which)?.reset(ErrorCode.CANCEL),
  "cancels the latest": ({ callers }) => callers.at(-1)?.reset(ErrorCode.CANCEL),
  "answers": ({ callees }, which, size) => {
    const callee = chosen(callees, which);
    if (callee === undefined) return;
    answer(callee);
    callee.send(size, size % 3 > 0);
  },
  "answers with trailers": ({ callees }, which, size) => {
    const callee = chosen(callees, which);
    if (callee === undefined || callee.done) return;
    answer(callee);
    callee.send(size, false);
    callee.done = true;
    callee.stream.sendTrailers(["status", "done"]);
  },
  "breaks a call off": ({ callees }, which) => chosen(callees, which)?.reset(ErrorCode.CANCEL),
  "refuses the next": (crossing) => crossing.refuseNext(),
  "reads": ({ callers, callees }, which) => chosen([...callers, ...callees], which)?.release(),
  "lets a turn go by": () => new Promise((resolve) => setImmediate(resolve)),
  "reaches the server": ({ toServer }, _, size) => toServer.deliver(size),
  "reaches the client": ({ toClient }, _, size) => toClient.deliver(size),
  "reaches the server whole": ({ toServer }) => toServer.deliver(),
  "reaches the client whole": ({ toClient }) => toClient.deliver(),
};

const ENDS: Readonly<Record<string, Act>> = {
  "the client shuts down": ({ client }) => void client.shutdown(),
  "the server shuts down": ({ server }) => void server.shutdown(),
  "the server gives up": (crossing) => {
    crossing.broken = true;
    crossing.server.abort(ErrorCode.INTERNAL_ERROR);
  },
  "the client gives up": (crossing) => {
    crossing.broken = true;
    crossing.client.abort(ErrorCode.NO_ERROR);
  },
  "the channel breaks": (crossing) => {
    crossing.broken = true;
    crossing.toClient.destroy();
  },
};

const act = fc.tuple(
  fc.constantFrom(...Object.keys(ACTS)),
  fc.nat(1000),
  fc.oneof(fc.nat(30), fc.nat(30_000)),
);
const end = fc.tuple(fc.constantFrom(...Object.keys(ENDS)), fc.constant(0), fc.constant(0));
const script = fc.tuple(
  fc.array(act, { minLength: 5, maxLength: 60 }),
  fc.option(end),
  fc.array(act, { maxLength: 20 }),
).map(([before, ending, after]) => ending === null ? before : [...before, ending, ...after]);

Deno.test("every call ends once, and as its peer saw it, however its end crosses others", async () => {
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const crossing = new Crossing();
      for (const [name, which, size] of steps) {
        await (ACTS[name] ?? ENDS[name]!)(crossing, which, size);
      }
      await crossing.finish();
      for (const caller of crossing.callers) accountFor(caller, crossing);
      for (const { id, ends } of crossing.callees) strictEqual(ends.length, 1, id);
      strictEqual(crossing.budget.heldBytes, 0);
      const { client, server } = crossing;
      if (client.state === "open" && server.state === "open") windowsAreWhole(crossing);
      client.shutdown();
      await crossing.finish();
      for (const { closed } of [client, server]) {
        const { how, error } = await closed;
        ok(how === "orderly" || crossing.broken, `${how}: ${error?.message}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** What is reported to a caller of a call is what happened to it. */
function accountFor(caller: CallEnd, { ledger, callees, broken }: Crossing): void {
  const begun = ledger.filter((id) => id === caller.id).length;
  const callee = callees.find(({ id }) => id === caller.id);
  strictEqual(caller.ends.length, 1, `${caller.id} ends ${caller.ends.length} times`);
  const { how, code, cause } = caller.ends[0]!;
  ok(begun <= 1, `${caller.id} began ${begun} times`);
  switch (how) {
    case "complete":
      strictEqual(begun, 1);
      strictEqual(caller.received, callee?.sent);
      return;
    case "not-processed":
      return strictEqual(begun, 0);
    case "reset-by-us":
      ok(caller.wasReset, `reset for ${cause}`);
      return;
    case "reset-by-peer":
      ok(callee?.wasReset, `code ${code}, ${callee?.ends[0]?.cause}`);
      return;
    default:
      ok(broken, how);
  }
}

/** Less credit is owed than makes it be sent: half a window (RFC 9113 §6.9 leaves it to the receiver). */
function windowsAreWhole({ toClient, toServer }: Crossing): void {
  const owed = [
    toServer.flow.dataBytes - toClient.flow.connectionCredit,
    toClient.flow.dataBytes - toServer.flow.connectionCredit,
  ];
  for (const bytes of owed) ok(bytes >= 0 && bytes * 2 < 65_535 + 1, `${owed} octets are owed`);
}

/** Ways in which a call is cut short while octets of it are under way. */
const CUTS: Readonly<Record<string, (crossing: Crossing) => Promise<void>>> = {
  "a cancellation crosses with the result": async (crossing) => {
    crossing.open(1, 0, true);
    await settle();
    crossing.toServer.deliver();
    const callee = crossing.callees.at(-1)!;
    answer(callee);
    callee.send(9_000, true);
    await settle();
    crossing.callers.at(-1)!.reset(ErrorCode.CANCEL);
  },
  "a cancellation crosses with half of the result": async (crossing) => {
    crossing.open(0, 0, true);
    await settle();
    crossing.toServer.deliver();
    const callee = crossing.callees.at(-1)!;
    answer(callee);
    callee.send(9_000, false);
    await settle();
    crossing.toClient.deliver(5_000);
    crossing.callers.at(-1)!.reset(ErrorCode.CANCEL);
    await settle();
    callee.send(9_000, true);
  },
  "the server's reset crosses with the request": async (crossing) => {
    crossing.open(1, 9_000, false);
    await settle();
    crossing.toServer.deliver(200);
    crossing.callees.at(-1)?.reset(ErrorCode.CANCEL);
    crossing.callers.at(-1)!.send(9_000, true);
  },
  "an early answer crosses with the request": async (crossing) => {
    crossing.open(1, 9_000, false);
    await settle();
    crossing.toServer.deliver(200);
    const callee = crossing.callees.at(-1);
    if (callee !== undefined) {
      answer(callee);
      callee.send(0, true);
    }
    crossing.callers.at(-1)!.send(9_000, false);
  },
  "it is cancelled before its HEADERS were written": (crossing) => {
    crossing.open(1, 9_000, false);
    crossing.callers.at(-1)!.reset(ErrorCode.CANCEL);
    strictEqual(crossing.callers.at(-1)!.ends[0]?.how, "not-processed");
    return Promise.resolve();
  },
  "it is cancelled while it waits for its window": async (crossing) => {
    crossing.open(1, 30_000, false);
    await settle();
    crossing.toServer.deliver();
    await settle();
    crossing.callers.at(-1)!.reset(ErrorCode.CANCEL);
  },
  "it is cancelled while it waits for its turn": async (crossing) => {
    for (let n = 0; n < 4; n++) crossing.open(1, 0, false);
    await settle();
    crossing.toServer.deliver();
    crossing.open(1, 9_000, true);
    await settle();
    crossing.callers.at(-1)!.reset(ErrorCode.CANCEL);
    strictEqual(crossing.callers.at(-1)!.ends[0]?.how, "not-processed");
  },
};

for (const [how, cut] of Object.entries(CUTS)) {
  Deno.test(`no octet of the connection's window is lost where ${how}`, async () => {
    const crossing = new Crossing();
    await crossing.finish();
    for (let time = 0; time < 20; time++) {
      await cut(crossing);
      await crossing.finish();
      windowsAreWhole(crossing);
    }
    for (const caller of crossing.callers) accountFor(caller, crossing);
    strictEqual(crossing.budget.heldBytes, 0);
    deepStrictEqual([crossing.client.state, crossing.server.state], ["open", "open"]);
    crossing.client.shutdown();
    await crossing.finish();
    strictEqual((await crossing.server.closed).how, "orderly");
  });
}
