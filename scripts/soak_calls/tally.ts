/** How calls of one kind have ended. */
export interface KindTally {
  /** Calls made. */
  made: number;
  /** Those whose result was checked and right, or whose error was the one that was asked for. */
  right: number;
  /** Those that were lost to a worker that was restarted meanwhile. */
  lost: number;
}

/** How every call has ended. */
export class Tally {
  /** By kind of call. */
  readonly kinds: Record<string, KindTally> = {};
  /** What ended in no way that it may, the first few of them. */
  readonly wrong: string[] = [];
  #wrong = 0;

  /** Whether each call made has ended in a way that it may. */
  get accountedFor(): boolean {
    return this.#wrong === 0 &&
      Object.values(this.kinds).every(({ made, right, lost }) => made === right + lost);
  }

  /** Calls made, of all kinds. */
  get calls(): number {
    return Object.values(this.kinds).reduce((sum, { made }) => sum + made, 0);
  }

  /** Makes a call and says how it ended; `excused` tells whether it may have been lost. */
  async count(kind: string, call: () => Promise<void>, excused: () => boolean): Promise<void> {
    const tally = this.kinds[kind] ??= { made: 0, right: 0, lost: 0 };
    tally.made += 1;
    try {
      await call();
      tally.right += 1;
    } catch (error) {
      if (isLoss(error) && excused()) tally.lost += 1;
      else this.#note(kind, error);
    }
  }

  #note(kind: string, error: unknown): void {
    this.#wrong += 1;
    if (this.wrong.length < 10) this.wrong.push(`${kind}: ${error}`);
  }
}

/** Whether a call failed because its worker went away. */
function isLoss(error: unknown): boolean {
  return error instanceof Error && LOSSES.includes(error.name);
}

const LOSSES = ["WorkerUnavailable", "AllWorkersFailed", "HandshakeError", "NoWorkersAvailable"];
