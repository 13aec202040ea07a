import { blockedOutlet } from "./outlet.ts";
import {
  BEAT,
  type BlockedReport,
  FIRST_COUNT,
  LAST_ENTERED,
  watchLoop,
  type WatchOrders,
} from "./watch_loop.ts";

/** What a {@linkcode LoopWatchdog} is given. */
export interface LoopWatchdogOptions {
  readonly workerId: string;
  /** The routines that run on the event loop. */
  readonly routines: readonly string[];
  /** How long the event loop may stand still before that is reported, in milliseconds. */
  readonly afterMs: number;
  /** Called once the loop is free again, with for how long it was blocked. */
  readonly onBlocked: (report: BlockedReport, blockedMs: number) => void;
}

/**
 * A thread that notices when a routine blocks the event loop, and which. It is started at the first routine
 * that runs there: an idle one costs some 11 MiB.
 */
export class LoopWatchdog implements Disposable {
  readonly #options: LoopWatchdogOptions;
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #entries: ReadonlyMap<string, Entry>;
  #thread: Worker | undefined;
  #beat: Disposable | undefined;
  #over = false;

  constructor(options: LoopWatchdogOptions) {
    this.#options = options;
    const { routines } = options;
    const bytes = Int32Array.BYTES_PER_ELEMENT * (FIRST_COUNT + routines.length);
    this.#cells = new Int32Array(new SharedArrayBuffer(bytes));
    this.#entries = new Map(routines.map((name, at) => [name, new Entry(this.#cells, at)]));
  }

  /** A routine begins to run on the event loop; disposing of the result says that it is over. */
  enter(routine: string): Disposable | undefined {
    if (this.#thread === undefined && !this.#over) this.#start();
    const entry = this.#entries.get(routine);
    entry?.begin();
    return entry;
  }

  #start(): void {
    const { routines: names, afterMs, workerId, onBlocked } = this.#options;
    const source = `(${watchLoop})();`;
    const thread = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, {
      type: "module",
    });
    this.#thread = thread;
    thread.onmessage = ({ data }: MessageEvent<BlockedReport>) =>
      onBlocked(data, Date.now() - data.since);
    const orders: WatchOrders = {
      cells: this.#cells.buffer,
      names,
      afterMs,
      outlet: blockedOutlet(),
      workerId,
    };
    thread.postMessage(orders);
    const beat = setInterval(() => Atomics.add(this.#cells, BEAT, 1), afterMs / 4);
    Deno.unrefTimer(beat);
    this.#beat = { [Symbol.dispose]: () => clearInterval(beat) };
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#beat?.[Symbol.dispose]();
    this.#thread?.terminate();
    this.#thread = undefined;
  }
}

/** One routine's count of calls under way, which the thread reads. */
class Entry implements Disposable {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #at: number;

  constructor(cells: Int32Array<SharedArrayBuffer>, at: number) {
    this.#cells = cells;
    this.#at = at;
  }

  begin(): void {
    Atomics.store(this.#cells, LAST_ENTERED, this.#at);
    Atomics.add(this.#cells, FIRST_COUNT + this.#at, 1);
  }

  [Symbol.dispose](): void {
    Atomics.sub(this.#cells, FIRST_COUNT + this.#at, 1);
  }
}
