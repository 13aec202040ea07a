import { type Clock, whenDue } from "../observe/mod.ts";

/** By so much is the clock set back when certificates from before are about to be not valid yet. */
const SET_BACK_MS = 60_000;

/**
 * Calls back once certificates that are issued now should be replaced: when two thirds of their time have passed, by
 * the date, as peers judge them; and where the clock was set back so far that they are not valid yet, or will not be.
 * Where the machine was suspended, or its clock set, that is up to a minute late.
 *
 * @param ttlMs how long they are valid, in milliseconds.
 * @returns what prevents the call.
 */
export function whenRenewable(clock: Clock, ttlMs: number, renew: () => void): Disposable {
  const issuedAt = clock.now();
  const leftMs = () => {
    const ageMs = clock.now() - issuedAt;
    return ageMs < -SET_BACK_MS ? 0 : ttlMs * 2 / 3 - ageMs;
  };
  return whenDue(clock, leftMs, renew, { background: true });
}
