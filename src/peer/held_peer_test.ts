import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import type { ByteChannel, ByteReceiver } from "../http2/mod.ts";
import { HeldPeer } from "./held_peer.ts";
import { IGNORED } from "./ignored_stream.ts";

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

/** What the connection of an accepted peer writes, piece by piece, and what it reads with. */
function held() {
  const written: Uint8Array[] = [];
  let peer: ByteReceiver | undefined;
  const channel: ByteChannel = {
    start: (receiver) => peer = receiver,
    write: (bytes, done) => {
      written.push(bytes.slice());
      queueMicrotask(done);
    },
    pause: () => {},
    resume: () => {},
    end: () => peer?.closed(undefined),
    destroy: () => peer?.closed(undefined),
  };
  const clock = new ManualClock(0);
  const facts = { security: "memory", remoteAddress: "a" } as const;
  const connection = new HeldPeer(
    { id: 1, identity: undefined, facts, remoteAddress: "a", since: 0 },
    0,
    channel,
    { onRequest: () => IGNORED, schedule: () => () => {} },
    { clock, distrustGraceMs: 1, ageMs: 1 },
  );
  return { written, peer: peer! as ByteReceiver, clock, connection };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
}

Deno.test("what a client sends first is answered in one piece with our SETTINGS", async () => {
  const { written, peer } = held();
  peer.received(Uint8Array.of(...PREFACE, ...SETTINGS, ...PING));
  await turns(8);
  assert.equal(written.length, 1);
  // SETTINGS come first (RFC 9113 §3.4), the answer to PING last.
  assert.equal(written[0]![3], 4);
  assert.deepEqual([...written[0]!.subarray(-8)], PING.slice(-8));
  peer.closed(undefined);
});

Deno.test("a client that says nothing is sent our SETTINGS all the same", async () => {
  const { written, peer } = held();
  await turns(8);
  assert.equal(written.length, 1);
  assert.equal(written[0]![3], 4);
  peer.received(Uint8Array.of(...PREFACE, ...SETTINGS, ...PING));
  await turns(8);
  assert.equal(written.length, 2);
  peer.closed(undefined);
});

Deno.test("a peer that is distrusted again for another reason receives the last one", async () => {
  const { written, peer, clock, connection } = held();
  peer.received(Uint8Array.of(...PREFACE, ...SETTINGS));
  connection.distrust("untrusted-authority");
  connection.distrust("certificate-denied");
  clock.advance(1);
  await turns(8);
  const text = new TextDecoder().decode(written.at(-1));
  assert.match(text, /certificate-denied/);
  assert.doesNotMatch(written.map((bytes) => new TextDecoder().decode(bytes)).join(), /untrusted/);
});
