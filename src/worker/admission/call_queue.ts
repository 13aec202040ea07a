import { Overloaded, type SelvageError } from "../../errors/mod.ts";
import type { Clock } from "../../observe/mod.ts";
import type { ArrivingCall } from "../../rpc/mod.ts";
import type { EveryWorkerLimit } from "../limits.ts";
import type { CallGate } from "./call_gate.ts";

/** How many calls wait for a place in a {@linkcode CallQueue}. */
export type CallQueueLimits = Pick<
  EveryWorkerLimit,
  "queueCalls" | "queueBytes" | "queueTimeoutMs"
>;

/** What a queue works with. */
export interface CallQueueOptions {
  readonly gate: CallGate;
  readonly limits: CallQueueLimits;
  readonly clock: Clock;
  /** Called with the change of how many calls wait. */
  readonly queued: (change: number) => void;
}

/** What a queue must know of a call. */
export type QueueableCall = Pick<ArrivingCall<unknown>, "timeoutMs" | "wait">;

/** `undefined` where the call may begin; else why it may not. */
export type Entry = SelvageError | undefined;

/** One call that waits. */
interface Waiting {
  readonly peer: string;
  readonly resolve: (entry: Entry) => void;
  readonly timer: Disposable;
  bytes: number;
  /** It was let in or refused; what arrives of it from now on is none of the queue's. */
  isOver: boolean;
}

/** The calls of one peer that wait. */
interface PeerQueue {
  readonly calls: Waiting[];
  bytes: number;
  /** When its last place was given, or its first call began to wait. */
  placedAt: number;
  /** How long it lately took until its next call got a place, in milliseconds. */
  intervalMs: number | undefined;
}

/** How much a new interval between two places counts in the average. */
const WEIGHT = 0.2;

/**
 * The calls that wait for a place at a gate, bounded in number and in bytes. Peers take turns, whatever each has
 * waiting; where there is no room, the newest call of the peer that has most of it goes. A call that could not
 * get a place before its deadline is refused at once, so that its caller can ask another worker; what is expected
 * is learnt from the same peer's calls, as long as any wait: no other peer's slow calls count, nor those of long ago.
 */
export class CallQueue {
  readonly #options: CallQueueOptions;
  /** Peers in the order of their turns. */
  readonly #peers = new Map<string, PeerQueue>();
  #calls = 0;
  #bytes = 0;

  constructor(options: CallQueueOptions) {
    this.#options = options;
    if (options.limits.queueCalls > 0) options.gate.onFreed(() => this.#place());
  }

  get length(): number {
    return this.#calls;
  }

  /** Lets a call in, now or later, or says why not. One that was let in must {@linkcode leave}. */
  enter(peer: string, call: QueueableCall): Entry | Promise<Entry> {
    const { gate, limits } = this.#options;
    if (this.#calls === 0 || !this.#peers.has(peer)) {
      const refusal = gate.enter(peer);
      if (refusal === undefined || limits.queueCalls === 0) return refusal;
    }
    const { timeoutMs = Infinity } = call;
    const expectedMs = this.#expectedMs(peer);
    if (expectedMs > timeoutMs) {
      return new Overloaded(
        `a place would be free in about ${Math.ceil(expectedMs)} ms, the call has ${timeoutMs} ms`,
      );
    }
    if (this.#calls >= limits.queueCalls && !this.#makeRoom(peer)) return this.#full();
    return this.#add(peer, call, Math.min(timeoutMs, limits.queueTimeoutMs));
  }

  /** A call that was let in is over. */
  leave(peer: string): void {
    this.#options.gate.leave(peer);
  }

  /** Refuses every call that waits. */
  refuseAll(refusal: SelvageError): void {
    for (const { calls } of [...this.#peers.values()]) {
      for (const call of [...calls]) this.#settle(call, refusal);
    }
  }

  #add(peer: string, call: QueueableCall, waitMs: number): Promise<Entry> {
    const { promise, resolve } = Promise.withResolvers<Entry>();
    const waiting: Waiting = {
      peer,
      resolve,
      bytes: 0,
      isOver: false,
      timer: this.#options.clock.schedule(
        () => this.#settle(waiting, new Overloaded(`no place was free within ${waitMs} ms`)),
        waitMs,
      ),
    };
    let queue = this.#peers.get(peer);
    if (queue === undefined) {
      const placedAt = this.#options.clock.steady();
      this.#peers.set(peer, queue = { calls: [], bytes: 0, placedAt, intervalMs: undefined });
    }
    queue.calls.push(waiting);
    this.#calls += 1;
    this.#options.queued(1);
    call.wait({
      received: (bytes) => this.#received(waiting, bytes),
      // Nobody reads the answer; what counts is that it waits no more.
      gone: () => this.#settle(waiting, GONE),
    });
    return promise;
  }

  /** Gives the places that are free to calls that wait, one peer after the other. */
  #place(): void {
    const { gate, clock } = this.#options;
    if (this.#calls === 0) return;
    for (let placed = true; placed;) {
      placed = false;
      for (const [peer, queue] of [...this.#peers]) {
        if (!gate.hasPlace) return;
        if (gate.enter(peer) !== undefined) continue;
        placed = true;
        noteInterval(queue, clock.steady());
        this.#settle(queue.calls[0]!, undefined);
        if (queue.calls.length === 0) continue;
        this.#peers.delete(peer);
        this.#peers.set(peer, queue);
      }
    }
  }

  /** How long a further call of a peer would wait. */
  #expectedMs(peer: string): number {
    const { calls, intervalMs } = this.#peers.get(peer) ?? NONE;
    return intervalMs === undefined ? 0 : intervalMs * (calls.length + 1);
  }

  #received(call: Waiting, bytes: number): void {
    const queue = this.#peers.get(call.peer);
    if (queue === undefined || call.isOver) return;
    call.bytes += bytes;
    queue.bytes += bytes;
    this.#bytes += bytes;
    while (this.#bytes > this.#options.limits.queueBytes) {
      const [most] = [...this.#peers.values()].sort((a, b) => b.bytes - a.bytes);
      const newest = most!.calls.findLast(({ bytes }) => bytes > 0);
      this.#settle(newest!, this.#full());
    }
  }

  /** Refuses the newest call of the peer with most, where that is not the one that asks. */
  #makeRoom(peer: string): boolean {
    const own = this.#peers.get(peer)?.calls.length ?? 0;
    let most: PeerQueue | undefined;
    for (const queue of this.#peers.values()) {
      if (queue.calls.length > (most?.calls.length ?? own + 1)) most = queue;
    }
    if (most === undefined) return false;
    this.#settle(most.calls.at(-1)!, this.#full());
    return true;
  }

  #full(): Overloaded {
    const { queueCalls, queueBytes } = this.#options.limits;
    return new Overloaded(
      `no place for a call is free, nor room among ${queueCalls} calls and ${queueBytes} bytes that wait for one`,
    );
  }

  #settle(call: Waiting, entry: Entry): void {
    const queue = this.#peers.get(call.peer);
    if (queue === undefined || call.isOver) return;
    call.isOver = true;
    queue.calls.splice(queue.calls.indexOf(call), 1);
    queue.bytes -= call.bytes;
    this.#bytes -= call.bytes;
    this.#calls -= 1;
    if (queue.calls.length === 0) this.#peers.delete(call.peer);
    this.#options.queued(-1);
    call.timer[Symbol.dispose]();
    call.resolve(entry);
  }
}

function noteInterval(queue: PeerQueue, now: number): void {
  const tookMs = now - queue.placedAt;
  const before = queue.intervalMs ?? tookMs;
  queue.intervalMs = before + (tookMs - before) * WEIGHT;
  queue.placedAt = now;
}

const NONE: Pick<PeerQueue, "calls" | "intervalMs"> = { calls: [], intervalMs: undefined };

const GONE = new Overloaded("the caller is gone");
