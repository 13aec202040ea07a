import {
  type CertificateStage,
  certificateStage,
  type Clock,
  type Observer,
  whenDue,
} from "../observe/mod.ts";
import { type Certificate, formatName } from "../identity/mod.ts";
import type { OwnCertificate } from "./material.ts";
import { present } from "../values/mod.ts";

/** An expired certificate is called to mind this often. */
const REMIND_MS = 60_000;

/** Our certificate, and the authority with which its chain ends before it does itself. */
export interface Followed {
  readonly own: OwnCertificate;
  readonly ending: Certificate | undefined;
}

/** Says when our certificate, or its chain where that ends sooner, has lived two thirds, nine tenths and all of its time. */
export class ExpiryWatch implements Disposable {
  readonly #clock: Clock;
  readonly #observer: Observer | undefined;
  readonly #gauge: Disposable | undefined;
  #followed: Followed | undefined;
  #timer: Disposable | undefined;

  /** Informs `observer`, by `clock`. */
  constructor(clock: Clock, observer: Observer | undefined) {
    this.#clock = clock;
    this.#observer = observer;
    this.#gauge = observer?.metrics.watchSecondsLeft(() => this.#secondsLeft());
  }

  /** Watches this certificate from now on, and no longer the one before. */
  follow(followed: Followed | undefined): void {
    this.#timer?.[Symbol.dispose]();
    this.#followed = followed;
    if (followed !== undefined && this.#observer !== undefined) this.#await(followed, undefined);
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#gauge?.[Symbol.dispose]();
    this.#followed = undefined;
  }

  /** Reports the stage that the certificate is in, unless it was reported, and waits for the next. */
  #await(followed: Followed, reported: CertificateStage | undefined): void {
    const now = this.#clock.now();
    const { notBefore } = followed.own.leaf;
    const { stage, nextAt } = certificateStage(notBefore, expiryOf(followed), now);
    if (stage !== undefined && (stage !== reported || stage === "expired")) {
      this.#report(followed, stage);
    }
    const again = () => this.#await(followed, stage);
    const options = { background: true };
    this.#timer = stage === "expired"
      ? this.#clock.schedule(again, REMIND_MS, options)
      : whenDue(this.#clock, () => nextAt - this.#clock.now(), again, options);
  }

  #report({ own, ending }: Followed, stage: CertificateStage): void {
    this.#observer?.emit({
      type: "credentials.expiring",
      certificate: own.summary,
      stage,
      secondsLeft: this.#secondsLeft() ?? 0,
      ...present({ authority: ending && formatName(ending.subject) }),
    });
  }

  #secondsLeft(): number | undefined {
    const followed = this.#followed;
    return followed && Math.floor((expiryOf(followed) - this.#clock.now()) / 1000);
  }
}

/** The first moment at which it no longer holds: `notAfter` names its last whole second. */
function expiryOf({ own, ending = own.leaf }: Followed): number {
  return ending.notAfter + 1000;
}
