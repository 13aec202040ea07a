import type { Clock, CredentialsExpiring, Observer } from "../observe/mod.ts";
import type { OwnCertificate } from "./material.ts";

/** An expired certificate is called to mind this often. */
const REMIND_MS = 60_000;

type Stage = CredentialsExpiring["stage"];

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
  #await(own: OwnCertificate, told: Stage | undefined): void {
    const now = this.#clock.now();
    const { stage, nextAt } = stageAt(own, now);
    if (stage !== undefined && (stage !== told || stage === "expired")) this.#tell(own, stage);
    const delayMs = nextAt === undefined ? REMIND_MS : nextAt - now;
    this.#timer = this.#clock.schedule(() => this.#await(own, stage), delayMs, {
      background: true,
    });
  }

  #tell(own: OwnCertificate, stage: Stage): void {
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

function stageAt(
  own: OwnCertificate,
  now: number,
): { stage: Stage | undefined; nextAt: number | undefined } {
  const { notBefore } = own.leaf;
  const expiry = expiryOf(own);
  const lifetime = expiry - notBefore;
  const twoThirds = notBefore + Math.floor(lifetime * 2 / 3);
  const nearlyOver = notBefore + Math.floor(lifetime * 9 / 10);
  if (now < twoThirds) return { stage: undefined, nextAt: twoThirds };
  if (now < nearlyOver) return { stage: "two-thirds", nextAt: nearlyOver };
  if (now < expiry) return { stage: "nearly-over", nextAt: expiry };
  return { stage: "expired", nextAt: undefined };
}

/** The first moment at which it no longer holds: `notAfter` names its last whole second. */
function expiryOf(own: OwnCertificate): number {
  return own.leaf.notAfter + 1000;
}
