import type { DiscoveredWorker } from "../../discovery/mod.ts";
import type { WorkerUnavailable } from "../../errors/mod.ts";
import type { Dial, Link } from "./link.ts";
import type { AbortEvents } from "../../values/mod.ts";

/**
 * A worker that adopts new credentials sends GOAWAY, and its peers dial again at once. A worker that
 * sends this many in a row, each on a young connection, has another reason.
 */
export const SENT_AWAY_LIMIT = 3;

/**
 * How many dials in a row begin without a wait because our credentials have changed under the last one,
 * or since it failed. Credentials that keep changing would else have a worker that fails dialled without end.
 */
const RESTART_LIMIT = 2;

/** How long a connection is used whose dial began under older credentials, in milliseconds. */
const STALE_STAY_MS = 250;

/** The endpoint that dials, as its dials see it. */
export interface DiallingEndpoint {
  /** Makes one connection. */
  readonly dial: Dial;
  /** The worker, as discovery reports it now. */
  worker(): DiscoveredWorker;
  /** A connection is open and takes calls, for `stayMs` at most. */
  opened(link: Link, stayMs: number): void;
  /** A connection that was opened takes no more streams. */
  lost(link: Link, state: "draining" | "closed"): void;
  /** A connection is not used. */
  leave(link: Link): void;
  /** The attempt has failed. */
  failed(error: Error): void;
  /** The error that says why no call reaches the worker. */
  unavailable(what: string): WorkerUnavailable;
}

/** The attempts to connect to one worker, each of which may take several dials while our credentials change. */
export class Dialling {
  readonly #endpoint: DiallingEndpoint;
  /** Rises when the credentials change: what was dialled before is of no more use. */
  #generation = 0;
  /** Dials in a row that began without a wait because our credentials had changed. */
  #restarts = 0;

  constructor(endpoint: DiallingEndpoint) {
    this.#endpoint = endpoint;
  }

  /** Our credentials have changed; a dial under way notices by itself. */
  renew(): void {
    this.#generation += 1;
  }

  /** Whether another dial may begin at once because our credentials have changed; counts it. */
  mayRestart(): boolean {
    if (this.#restarts >= RESTART_LIMIT) return false;
    this.#restarts += 1;
    return true;
  }

  /** The wait after a failure is over: dials that began without one no longer count. */
  forgetRestarts(): void {
    this.#restarts = 0;
  }

  /**
   * One demand's attempt. Where our credentials change under a dial, it is made again, up to
   * {@linkcode RESTART_LIMIT} times: then a failed dial is a failure, and a connection that the newest
   * credentials still prove is used for a little, since calls would wait for as long as credentials change
   * faster than a handshake takes.
   *
   * @returns whether it ended in a connection; never rejects.
   */
  async attempt(signal: AbortEvents): Promise<boolean> {
    // The caller is in the middle of a loop over the fleet, which must not change under it.
    await Promise.resolve();
    for (let sentAway = 0;;) {
      const generation = this.#generation;
      const { expected } = this.#endpoint.worker();
      let opened: Link | undefined;
      try {
        const link = await this.#endpoint.dial(this.#endpoint.worker(), {
          signal,
          onState: (state) => {
            if (state !== "open" && opened !== undefined) this.#endpoint.lost(opened, state);
          },
        });
        const stale = generation !== this.#generation;
        const restart = stale && this.mayRestart();
        const serves = !stale ||
          expected === this.#endpoint.worker().expected && link.judge().trusted;
        if (signal.aborted || restart || !serves || link.connection.state !== "open") {
          this.#endpoint.leave(link);
          if (signal.aborted) return false;
          if (restart || serves && ++sentAway < SENT_AWAY_LIMIT) continue;
          throw this.#endpoint.unavailable(
            serves
              ? "it closed the connection at once"
              : "our credentials changed during every dial",
          );
        }
        opened = link;
        this.#restarts = 0;
        this.#endpoint.opened(link, stale ? STALE_STAY_MS : Infinity);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (generation !== this.#generation && this.mayRestart()) continue;
        this.#endpoint.failed(error as Error);
        return false;
      }
    }
  }
}
