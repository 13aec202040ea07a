import {
  type CertificateStage,
  certificateStage,
  type Clock,
  type Observer,
  whenDue,
} from "../observe/mod.ts";
import type { OwnCertificate } from "./material.ts";

/** An expired certificate is called to mind this often. */
const REMIND_MS = 60_000;

/** Says when our certificate has lived two thirds of its time, nine tenths, and all of it. */
export class ExpiryWatch implements Disposable {
  readonly #clock: Clock;
  readonly #observer: Observer | undefined;
  readonly #gauge: Disposable | undefined;
  #own: OwnCertificate | undefined;
  #timer: Disposable | undefined;

  /** Informs `observer`, by `clock`. */
  constructor(clock: Clock, observer: Observer | undefined) {
    this.#clock = clock;
    this.#observer = observer;
    this.#gauge = observer?.metrics.watchSecondsLeft(() => this.#secondsLeft());
  }

  /** Watches this certificate from now on, and no longer the one before. */
  follow(own: OwnCertificate | undefined): void {
    this.#timer?.[Symbol.dispose]();
    this.#own = own;
    if (own !== undefined && this.#observer !== undefined) this.#await(own, undefined);
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#gauge?.[Symbol.dispose]();
    this.#own = undefined;
  }

  /** Reports the stage that the certificate is in, unless it was reported, and waits for the next. */
  #await(own: OwnCertificate, reported: CertificateStage | undefined): void {
    const now = this.#clock.now();
    const { stage, nextAt } = certificateStage(own.leaf.notBefore, expiryOf(own), now);
    if (stage !== undefined && (stage !== reported || stage === "expired")) {
      this.#report(own, stage);
    }
    const again = () => this.#await(own, stage);
    const options = { background: true };
    this.#timer = stage === "expired"
      ? this.#clock.schedule(again, REMIND_MS, options)
      : whenDue(this.#clock, () => nextAt - this.#clock.now(), again, options);
  }

  #report(own: OwnCertificate, stage: CertificateStage): void {
    const secondsLeft = this.#secondsLeft() ?? 0;
    this.#observer?.emit({
      type: "credentials.expiring",
      certificate: own.summary,
      stage,
      secondsLeft,
    });
  }

  #secondsLeft(): number | undefined {
    const own = this.#own;
    return own && Math.floor((expiryOf(own) - this.#clock.now()) / 1000);
  }
}

/** The first moment at which it no longer holds: `notAfter` names its last whole second. */
function expiryOf(own: OwnCertificate): number {
  return own.leaf.notAfter + 1000;
}
