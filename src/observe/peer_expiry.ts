import type { HandshakeSide } from "../errors/mod.ts";
import { type Clock, systemClock, whenDue } from "./clock.ts";
import type { PeerRef } from "./events/event_base.ts";
import type { Observer } from "./observer.ts";
import { type CertificateStage, certificateStage } from "./certificate_stage.ts";

/** The certificate of a peer, as far as its end is concerned. */
export interface PeerCertificate {
  /** When it begins to hold, ISO 8601. */
  readonly notBefore: string;
  /** Its last whole second, ISO 8601. */
  readonly notAfter: string;
}

/** One certificate that is in use, over however many connections. */
interface Watched {
  readonly peer: PeerRef;
  readonly notBefore: number;
  readonly expiry: number;
  connections: number;
  stage: CertificateStage | undefined;
}

/**
 * Watches the certificates of the peers that are connected: reports each when it has lived two thirds
 * of its time, nine tenths, and all of it, and gives the metrics the time left of the one that ends
 * first.
 */
export class PeerExpiry implements Disposable {
  readonly #observer: Observer;
  readonly #side: HandshakeSide;
  readonly #clock: Clock;
  readonly #gauge: Disposable;
  readonly #watched = new Map<string, Watched>();
  #timer: Disposable | undefined;
  #dueAt = Infinity;

  constructor(observer: Observer, side: HandshakeSide, clock: Clock = systemClock) {
    this.#observer = observer;
    this.#side = side;
    this.#clock = clock;
    this.#gauge = observer.metrics.watchPeerSecondsLeft(() => this.#secondsLeft());
  }

  /**
   * A connection of a peer is there.
   *
   * @returns What is to be called once, when the connection is over.
   */
  connected(peer: PeerRef, { notBefore, notAfter }: PeerCertificate): () => void {
    const key = `${peer.identity ?? peer.address} ${notAfter}`;
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      watched = {
        peer,
        notBefore: Date.parse(notBefore),
        expiry: Date.parse(notAfter) + 1_000,
        connections: 0,
        stage: undefined,
      };
      this.#watched.set(key, watched);
    }
    watched.connections += 1;
    this.#check(watched, this.#clock.now());
    return () => {
      watched.connections -= 1;
      if (watched.connections === 0) this.#watched.delete(key);
    };
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#gauge[Symbol.dispose]();
    this.#watched.clear();
  }

  /** Reports the stage of a certificate where it is a new one, and waits for the next. */
  #check(watched: Watched, now: number): void {
    const { stage, nextAt } = certificateStage(watched.notBefore, watched.expiry, now);
    if (stage !== undefined && stage !== watched.stage) {
      watched.stage = stage;
      this.#observer.emit({
        type: "peer.expiring",
        side: this.#side,
        peer: watched.peer,
        stage,
        secondsLeft: Math.floor((watched.expiry - now) / 1_000),
      });
    }
    if (nextAt < this.#dueAt) this.#await(nextAt);
  }

  #await(dueAt: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#dueAt = dueAt;
    const check = () => {
      this.#dueAt = Infinity;
      const now = this.#clock.now();
      for (const watched of this.#watched.values()) this.#check(watched, now);
    };
    const leftMs = () => dueAt - this.#clock.now();
    this.#timer = whenDue(this.#clock, leftMs, check, { background: true });
  }

  #secondsLeft(): number | undefined {
    let first = Infinity;
    for (const { expiry } of this.#watched.values()) first = Math.min(first, expiry);
    return first === Infinity ? undefined : Math.floor((first - this.#clock.now()) / 1_000);
  }
}
