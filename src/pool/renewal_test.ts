import assert from "node:assert/strict";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { ManualClock, turn } from "../../tests/support/manual_clock.ts";
import { whenRenewable } from "./renewal.ts";

const HOUR_MS = 3_600_000;

/** A clock, and how often certificates of an hour that were issued at its beginning were renewed. */
function issued() {
  const clock = new ManualClock();
  let renewed = 0;
  const renew = () => Promise.resolve(void renewed++);
  whenRenewable(clock, HOUR_MS, renew, () => {});
  return { clock, renewed: () => renewed };
}

Deno.test("whenRenewable() renews when two thirds of the time have passed", () => {
  const { clock, renewed } = issued();
  clock.advance(HOUR_MS * 2 / 3 - 1);
  assert.equal(renewed(), 0);
  clock.advance(1);
  assert.equal(renewed(), 1);
  assert.equal(clock.pending, 0);
});

Deno.test("whenRenewable() renews within a minute where the certificates ended while the machine was suspended", () => {
  const { clock, renewed } = issued();
  clock.advance(1_000);
  clock.suspend(HOUR_MS);
  clock.advance(60_000);
  assert.equal(renewed(), 1);
});

Deno.test("whenRenewable() renews within a minute where the clock was set forward or back", () => {
  for (const hours of [2, -2]) {
    const { clock, renewed } = issued();
    clock.setBack(hours * HOUR_MS);
    clock.advance(60_000);
    assert.equal(renewed(), 1);
  }
  const { clock, renewed } = issued();
  clock.setBack(1_000);
  clock.advance(60_000);
  assert.equal(renewed(), 0);
});

Deno.test("whenRenewable() reports certificates that cannot be renewed, and ends nothing", async () => {
  const clock = new ManualClock();
  const observer = new RecordingObserver();
  const renew = () => Promise.reject(new Error("the authority expired"));
  whenRenewable(clock, HOUR_MS, renew, (event) => observer.emit(event));
  clock.setBack(-2 * HOUR_MS);
  clock.advance(60_000);
  await turn();
  const [rejected] = observer.of("credentials.rejected");
  assert.match(rejected!.message, /cannot be renewed: the authority expired$/);
  assert.equal(rejected!.keptExpired, true);
});
