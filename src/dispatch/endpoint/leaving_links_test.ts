import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/support/manual_clock.ts";
import type { ClientConnection } from "../../http2/mod.ts";
import type { PeerVerdict } from "../../peer/mod.ts";
import { LeavingLinks } from "./leaving_links.ts";

const REFUSED: PeerVerdict = {
  trusted: false,
  reason: "untrusted-authority",
  peerReason: "untrusted-authority",
  evidence: {},
};
const GRACE_MS = 1000;

/** A connection that has calls under way, and is leaving. */
class Leaving {
  readonly clock = new ManualClock(0);
  readonly links = new LeavingLinks({ clock: this.clock, distrustGraceMs: GRACE_MS });
  readonly closed = Promise.withResolvers<never>();
  verdict: PeerVerdict;
  judged = 0;
  aborted = 0;
  /** What the worker receives. */
  reason = "";

  constructor(verdict: PeerVerdict) {
    this.verdict = verdict;
    const connection = {
      closed: this.closed.promise,
      abort: (_code: number, reason: Uint8Array) => {
        this.aborted++;
        this.reason = new TextDecoder().decode(reason);
      },
    };
    this.links.add({
      connection: connection as unknown as ClientConnection,
      id: undefined,
      tags: [],
      identity: undefined,
      security: "mutual-tls",
      validUntil: undefined,
      judge: () => {
        this.judged++;
        return this.verdict;
      },
    });
  }
}

Deno.test("a worker that is trusted no longer is cut off when the grace is over, and not later where trust changes again", async () => {
  const leaving = new Leaving(REFUSED);
  await leaving.clock.advanceInTurns(GRACE_MS - 1);
  leaving.links.judge();
  assert.equal(leaving.aborted, 0);
  await leaving.clock.advanceInTurns(1);
  assert.equal(leaving.aborted, 1);
});

Deno.test("a worker that is cut off receives the reason that its callers get", async () => {
  const leaving = new Leaving(REFUSED);
  await leaving.clock.advanceInTurns(GRACE_MS - 1);
  leaving.verdict = {
    ...REFUSED,
    reason: "certificate-denied",
    peerReason: "certificate-denied",
  };
  leaving.links.judge();
  await leaving.clock.advanceInTurns(1);
  assert.equal(leaving.reason, '{"refused":"certificate-denied"}');
});

Deno.test("a worker that is trusted again within the grace is not cut off", async () => {
  const leaving = new Leaving(REFUSED);
  await leaving.clock.advanceInTurns(GRACE_MS - 1);
  leaving.verdict = { trusted: true, validUntil: 10 * GRACE_MS };
  leaving.links.judge();
  await leaving.clock.advanceInTurns(GRACE_MS);
  assert.equal(leaving.aborted, 0);
  // Until its proof ends.
  leaving.verdict = REFUSED;
  await leaving.clock.advanceInTurns(10 * GRACE_MS);
  assert.equal(leaving.aborted, 1);
});

Deno.test("a worker whose proof ends, and that another proves for longer, is judged once then", async () => {
  const leaving = new Leaving({ trusted: true, validUntil: GRACE_MS });
  leaving.verdict = { trusted: true, validUntil: 3 * GRACE_MS };
  await leaving.clock.advanceInTurns(2 * GRACE_MS);
  assert.equal(leaving.judged, 2);
  assert.equal(leaving.aborted, 0);
});
