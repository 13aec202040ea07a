import { type Clock, type UnstampedEvent, whenDue } from "../observe/mod.ts";
import { messageOf } from "../values/mod.ts";

/** By so much is the clock set back when certificates from before are about to be not valid yet. */
const SET_BACK_MS = 60_000;

/**
 * Calls back once certificates that are issued now should be replaced: when two thirds of their time have passed, by
 * the date, as peers judge them; and where the clock was set back so far that they are not valid yet, or will not be.
 * Where the machine was suspended, or its clock set, that is up to a minute late.
 *
 * @param ttlMs how long they are valid, in milliseconds.
 * @param renew replaces them. Where it fails, as where the clock was set beyond the life of the authority, that is
 * reported, and no reason for the process to end.
 * @returns what prevents the call.
 */
export function whenRenewable(
  clock: Clock,
  ttlMs: number,
  renew: () => Promise<void>,
  report: (event: UnstampedEvent) => void,
): Disposable {
  const issuedAt = clock.now();
  const leftMs = () => {
    const ageMs = clock.now() - issuedAt;
    return ageMs < -SET_BACK_MS ? 0 : ttlMs * 2 / 3 - ageMs;
  };
  const failed = (error: unknown) =>
    report({
      type: "credentials.rejected",
      reason: "provider-failed",
      message: `the certificates of the pool's workers cannot be renewed: ${messageOf(error)}`,
      keptExpired: clock.now() - issuedAt > ttlMs,
    });
  return whenDue(clock, leftMs, () => void renew().catch(failed), { background: true });
}
