import { ErrorCode } from "../../http2/mod.ts";
import { type Clock, whenDue } from "../../observe/mod.ts";
import { judgingTurns, type PeerRefused, refusalData } from "../../peer/mod.ts";
import type { Link } from "./link.ts";

/** How long connections that take no new calls may last. */
export interface LeavingLinksOptions {
  readonly clock: Clock;
  /** What calls at a worker that is no longer trusted may still take, in milliseconds. */
  readonly distrustGraceMs: number;
}

/**
 * Connections that take no new calls. Those of a worker that is still trusted last until their last
 * call is over; where the trust is gone, no longer than the grace.
 */
export class LeavingLinks {
  readonly #options: LeavingLinksOptions;
  readonly #links = new Map<Link, LeavingLink>();

  /** Begins with none. */
  constructor(options: LeavingLinksOptions) {
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#links.size;
  }

  /** Keeps an eye on one until it is closed. */
  add(link: Link): void {
    if (this.#links.has(link)) return;
    const leaving = new LeavingLink(link, this.#options);
    this.#links.set(link, leaving);
    link.connection.closed.then(() => {
      leaving[Symbol.dispose]();
      this.#links.delete(link);
    });
  }

  /** The credentials are new: peers that they do not trust have only the grace left. */
  judge(): void {
    for (const leaving of this.#links.values()) leaving.judge();
  }

  /** Ends them now. */
  abort(code: number): void {
    for (const { connection } of this.#links.keys()) connection.abort(code);
  }

  /** Resolves when those that there are have closed. */
  async closed(): Promise<void> {
    await Promise.all([...this.#links.keys()].map(({ connection }) => connection.closed));
  }
}

/** One of them. */
class LeavingLink implements Disposable {
  readonly #link: Link;
  readonly #options: LeavingLinksOptions;
  /** Whether the grace runs. */
  #distrusted = false;
  /** Whether a verdict is still to come. */
  #inDoubt = false;
  #isOver = false;
  #timer: Disposable | undefined;

  constructor(link: Link, options: LeavingLinksOptions) {
    this.#link = link;
    this.#options = options;
    this.judge();
  }

  /**
   * Begins the grace where the worker is no longer trusted, else judges it again when its proof ends; a grace that runs
   * goes on, or is over where the worker is trusted again. Where many are to be judged that takes some turns of the
   * event loop; none of them takes a new call.
   */
  judge(): void {
    if (this.#inDoubt) return;
    this.#inDoubt = true;
    judgingTurns.take(() => {
      this.#inDoubt = false;
      if (!this.#isOver) this.#judge();
    });
  }

  #judge(): void {
    const verdict = this.#link.judge();
    if (!verdict.trusted) return this.#distrust(verdict);
    this.#distrusted = false;
    this.#timer?.[Symbol.dispose]();
    const { validUntil } = verdict;
    if (validUntil === undefined) return;
    const { clock } = this.#options;
    const leftMs = () => validUntil + 1 - clock.now();
    this.#timer = whenDue(clock, leftMs, () => this.judge(), { background: true });
  }

  #distrust(refused: PeerRefused): void {
    this.#link.distrustedFor = refused;
    if (this.#distrusted) return;
    this.#distrusted = true;
    this.#timer?.[Symbol.dispose]();
    const { clock, distrustGraceMs } = this.#options;
    this.#timer = clock.schedule(() => this.#cutOff(), distrustGraceMs, { background: true });
  }

  /** Our callers and the worker get the same reason. */
  #cutOff(): void {
    const { connection, distrustedFor } = this.#link;
    const reason = distrustedFor && refusalData(distrustedFor.peerReason);
    connection.abort(ErrorCode.INADEQUATE_SECURITY, reason);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#timer?.[Symbol.dispose]();
  }
}
