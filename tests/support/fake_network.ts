import type { DiscoveredWorker, Discovery, DiscoveryChange } from "../../src/discovery/mod.ts";
import type { ClientConnection, ConnectionEnd, ConnectionState } from "../../src/http2/mod.ts";
import type { Clock } from "../../src/observe/mod.ts";
import type { PeerVerdict } from "../../src/peer/mod.ts";
import type { Dial, Link } from "../../src/dispatch/endpoint/link.ts";

/** A connection that only has a state. */
export class FakeLink implements Link {
  readonly id = undefined;
  readonly identity: string | undefined = "spiffe://example.org/worker";
  readonly security = "mutual-tls";
  validUntil: number | undefined = undefined;
  /** What it says that it serves, one name a line. */
  declare serves?: string;
  /** Whether the worker is trusted now. */
  trusted = true;
  readonly connection: ClientConnection;
  #state: ConnectionState = "open";
  readonly #closed = Promise.withResolvers<ConnectionEnd>();

  constructor(
    readonly worker: DiscoveredWorker,
    readonly onState: (s: ConnectionState) => void,
    readonly clock: Pick<Clock, "now"> = Date,
  ) {
    const state = () => this.#state;
    this.connection = {
      get state() {
        return state();
      },
      closed: this.#closed.promise,
      shutdown: () => {
        this.move("draining");
        return this.#closed.promise;
      },
      abort: () => this.end("orderly"),
    } as unknown as ClientConnection;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get tags(): readonly string[] {
    return this.worker.tags ?? [];
  }

  readonly judge = (): PeerVerdict => {
    const { validUntil } = this;
    if (this.trusted && !(this.clock.now() > (validUntil ?? Infinity))) {
      return { trusted: true, ...(validUntil === undefined ? {} : { validUntil }) };
    }
    return {
      trusted: false,
      reason: "untrusted-authority",
      peerReason: "untrusted-authority",
      evidence: {},
    };
  };

  move(state: ConnectionState): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.onState(state);
  }

  end(how: ConnectionEnd["how"]): void {
    this.move("closed");
    this.#closed.resolve({ how, code: 0 });
  }
}

/** Workers by address: the result of dialling each of them, and what it was. */
export class FakeNetwork {
  /** How long the proof of workers dialled from now on holds; `undefined` is for ever. */
  validForMs: number | undefined;
  /** Whether workers dialled from now on are trusted. */
  trusted = true;
  /** What workers say that they serve, by address: names in order, one a line. */
  readonly serves = new Map<string, string>();
  /** How many of the next connections the worker sends away while they are dialled. */
  sendsAway = 0;
  readonly links: FakeLink[] = [];
  readonly dialled: string[] = [];
  readonly #answers = new Map<string, () => Promise<void>>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly dial: Dial = async (worker, { signal, onState }) => {
    this.dialled.push(worker.address);
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
    await Promise.race([this.#answers.get(worker.address)?.(), aborted]);
    const link = new FakeLink(worker, onState, this.#clock);
    link.trusted = this.trusted;
    const serves = this.serves.get(worker.address);
    if (serves !== undefined) link.serves = serves;
    if (this.validForMs !== undefined) link.validUntil = this.#clock.now() + this.validForMs;
    this.links.push(link);
    if (this.sendsAway > 0) {
      this.sendsAway -= 1;
      link.move("draining");
    }
    return link;
  };

  /** Dials of `address` fail with `error` from now on. */
  fail(address: string, error: () => Error): void {
    this.#answers.set(address, () => Promise.reject(error()));
  }

  /** Dials of `address` succeed from now on. */
  restore(address: string): void {
    this.#answers.delete(address);
  }

  /** Something happens during each dial of `address` from now on, and then it succeeds. */
  during(address: string, act: () => void): void {
    this.#answers.set(address, () => Promise.resolve(act()));
  }

  /** Dials of `address` wait; the function returned lets them go on. */
  hold(address: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answers.set(address, () => promise);
    return resolve;
  }
}

/** A discovery that reports what the test sets. */
export class FakeDiscovery implements Discovery {
  readonly source = "fake:";
  readonly namesWorkers = true;
  declare expectsMore?: boolean;
  #batches: (readonly DiscoveryChange[])[] = [];
  #wake = Promise.withResolvers<void>();

  constructor(...addresses: string[]) {
    this.push(...addresses.map((address) => ({ kind: "added" as const, worker: { address } })));
  }

  push(...changes: DiscoveryChange[]): void {
    this.#batches.push(changes);
    this.#wake.resolve();
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly DiscoveryChange[]> {
    signal.addEventListener("abort", () => this.#wake.resolve());
    while (!signal.aborted) {
      const batch = this.#batches.shift();
      if (batch !== undefined) yield batch;
      else await (this.#wake = Promise.withResolvers()).promise;
    }
  }
}
