import assert from "node:assert/strict";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import { PeerExpiry } from "./mod.ts";

const MINUTE = 60_000;
const START = Date.UTC(2030, 0, 1);

/** A certificate that holds for an hour from the start on, or for so many minutes more. */
function hourLong(moreMinutes = 0) {
  const notAfter = START + (60 + moreMinutes) * MINUTE - 1_000;
  return {
    notBefore: new Date(START).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
  };
}

function watched() {
  const clock = new ManualClock(START);
  const observer = new RecordingObserver();
  let seconds: () => number | undefined = () => undefined;
  observer.metrics.watchPeerSecondsLeft = (secondsLeft) => {
    seconds = secondsLeft;
    return { [Symbol.dispose]: () => {} };
  };
  const expiry = new PeerExpiry(observer, "dispatcher", clock);
  return { clock, observer, expiry, secondsLeft: () => seconds() };
}

const w7 = { address: "10.0.0.7:8443", identity: "spiffe://example.org/w7" };
const w8 = { address: "10.0.0.8:8443", identity: "spiffe://example.org/w8" };

Deno.test("PeerExpiry reports a connected peer once a stage, and who it is", () => {
  const { clock, observer, expiry } = watched();
  using _ = expiry;
  expiry.connected(w7, hourLong());
  expiry.connected(w7, hourLong());
  clock.advance(39 * MINUTE);
  assert.deepEqual(observer.of("peer.expiring"), []);
  clock.advance(60 * MINUTE);
  const reported = observer.of("peer.expiring");
  assert.deepEqual(reported.map(({ stage, secondsLeft }) => [stage, secondsLeft]), [
    ["two-thirds", 20 * 60],
    ["nearly-over", 6 * 60],
    ["expired", 0],
  ]);
  assert.ok(reported.every(({ side, peer }) => side === "dispatcher" && peer === w7));
});

Deno.test("PeerExpiry reports at once a certificate that is old already, and none that is gone", () => {
  const { clock, observer, expiry } = watched();
  using _ = expiry;
  clock.advance(55 * MINUTE);
  const gone = expiry.connected(w7, hourLong());
  assert.equal(observer.of("peer.expiring")[0]?.stage, "nearly-over");
  gone();
  clock.advance(60 * MINUTE);
  assert.equal(observer.of("peer.expiring").length, 1);
});

Deno.test("PeerExpiry gives the metrics the time left of the peer that ends first", () => {
  const { clock, expiry, secondsLeft } = watched();
  using _ = expiry;
  assert.equal(secondsLeft(), undefined);
  expiry.connected(w8, hourLong(30));
  const gone = expiry.connected(w7, hourLong());
  assert.equal(secondsLeft(), 3_600);
  clock.advance(MINUTE);
  assert.equal(secondsLeft(), 59 * 60);
  gone();
  assert.equal(secondsLeft(), 89 * 60);
});
