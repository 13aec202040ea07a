import assert from "node:assert/strict";
import { ErrorCode, type StreamEnd } from "../http2/mod.ts";
import {
  certificateShapes,
  denylistOf,
  makeAuthorities,
  makeCertificate,
} from "../../tests/support/certificates.ts";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import {
  type answering,
  callOnce,
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  materialOf,
  TurnableSource,
  WORKER_ID,
} from "../../tests/support/peers.ts";
import { RecordingObserver } from "../../tests/support/recording_observer.ts";
import type { DialledPeer } from "./mod.ts";
import { LEAST_STAY_MS } from "./held_peer.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

/** Opens a stream that the worker answers only when the test says so. */
function callHeld({ connection }: DialledPeer): { ended: Promise<StreamEnd> } {
  const { promise: ended, resolve } = Promise.withResolvers<StreamEnd>();
  const fields = [":method", "POST", ":path", "/", ":scheme", "https", ":authority", "worker"];
  connection.open(fields, { data: () => {}, trailers: () => {}, closed: resolve }, {
    endStream: true,
  });
  return { ended };
}

/** Answers when `answer` is called. */
function holding(): {
  options: ReturnType<typeof answering>;
  /** Resolves with the first request. */
  begun: Promise<void>;
  /** Resolves with the second. */
  second: Promise<void>;
  answer(): void;
} {
  const begun = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const answers: (() => void)[] = [];
  return {
    begun: begun.promise,
    second: second.promise,
    answer: () => answers.splice(0).forEach((answer) => answer()),
    options: {
      onRequest: (stream) => {
        answers.push(() => stream.sendHeaders([":status", "200"], true));
        (answers.length === 1 ? begun : second).resolve();
        return { data: () => {}, trailers: () => {}, closed: () => {} };
      },
    },
  };
}

Deno.test("new credentials serve new connections while a call on an old one finishes", async () => {
  const observer = new RecordingObserver();
  const before = worker.fine();
  const after = worker.fine();
  const source = new TurnableSource(materialOf({ certificate: before, trusts: [root] }));
  const held = holding();
  const clock = new ManualClock(Date.now());
  await using listener = await listenAs(source, { clock, observer, onPeer: () => held.options });
  const shown = { certificate: client.fine(), trusts: [root] };
  const drains = Promise.withResolvers<string>();
  const first = await dialAs(shown, listener.address, { connection: { onState: drains.resolve } });
  const call = callHeld(first);
  await held.begun;
  source.turn(materialOf({ certificate: after, trusts: [root] }));
  const second = await dialAs(shown, listener.address);
  assert.notEqual(second.identity?.fingerprint, first.identity?.fingerprint);
  // It stays a little, for where credentials change faster than a handshake takes.
  assert.equal(first.connection.state, "open");
  clock.advance(LEAST_STAY_MS);
  assert.equal(await drains.promise, "draining");
  held.answer();
  assert.equal((await call.ended).how, "complete");
  assert.equal((await first.connection.closed).how, "orderly");
  const states = (await observer.until("listener.generation", 4)).map(({ state }) => state);
  assert.deepEqual(states, ["current", "current", "leaving", "ended"]);
  assert.equal(second.connection.state, "open");
});

/** A client at a call, whose authority the worker has just ceased to trust: 900 of the 1000 ms of grace are over. */
async function withAuthorityRemoved() {
  await using opened = new AsyncDisposableStack();
  const clock = new ManualClock(Date.now());
  const trusts = [root, foreign];
  const source = new TurnableSource(materialOf({ certificate: worker.fine(), trusts }));
  const held = holding();
  const observer = new RecordingObserver();
  const listener = opened.use(
    await listenAs(source, {
      clock,
      observer,
      onPeer: () => held.options,
      distrustGraceMs: 1000,
    }),
  );
  const shown = { certificate: client["foreign-authority"](), trusts };
  const peer = await dialAs(shown, listener.address);
  const call = callHeld(peer);
  await held.begun;
  source.turn(materialOf({ certificate: worker.fine(), trusts: [root] }));
  const refused = handshakeErrorOf(dialAs(shown, listener.address));
  await observer.until("handshake.refused");
  // The reason follows after a pause, of the clock that stands.
  clock.advance(900);
  assert.equal((await refused).peerReason, "untrusted-authority");
  const closing = opened.move();
  const trustAgain = () => source.turn(materialOf({ certificate: worker.fine(), trusts }));
  return {
    ...{ clock, held, listener, shown, peer, call, trustAgain },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

Deno.test("after a CA was removed its clients take no new call, and end within the grace", async () => {
  await using removed = await withAuthorityRemoved();
  const { clock, listener, call } = removed;
  assert.equal(listener.connections().some(({ takesCalls }) => takesCalls), false);
  clock.advance(100);
  assert.equal((await call.ended).how, "connection-lost");
});

Deno.test("a client that is trusted again within the grace finishes its call", async () => {
  await using removed = await withAuthorityRemoved();
  const { clock, held, listener, shown, peer, call } = removed;
  removed.trustAgain();
  const again = await dialAs(shown, listener.address);
  clock.advance(900);
  held.answer();
  assert.equal((await call.ended).how, "complete");
  assert.equal((await peer.connection.closed).how, "orderly");
  again.connection.abort(ErrorCode.NO_ERROR);
});

Deno.test("a client that is put on the denylist is asked to leave, others stay where they are", async () => {
  const denied = client.fine();
  const certificate = worker.fine();
  const fresh = materialOf({ certificate, trusts: [root] });
  const source = new TurnableSource(fresh);
  await using listener = await listenAs(source);
  const one = await dialAs({ certificate: denied, trusts: [root] }, listener.address);
  const other = await dialAs({ certificate: client.fine(), trusts: [root] }, listener.address);
  const { denylist } = materialOf({ certificate, trusts: [root], denylist: denylistOf(denied) });
  source.turn({ ...fresh, denylist, generation: fresh.generation + 1 });
  await one.connection.closed;
  assert.equal(await callOnce(other), "complete");
  assert.equal(other.connection.state, "open");
});

Deno.test("a client whose chain expires takes no new call from that moment", async () => {
  const clock = new ManualClock(Date.now());
  const notAfter = clock.now() + 60_000;
  const certificate = makeCertificate({
    names: [{ uri: CLIENT_ID }],
    issuer: root,
    notAfter,
  });
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, { clock });
  const peer = await dialAs({ certificate, trusts: [root] }, listener.address);
  clock.advance(58_000);
  assert.equal(await callOnce(peer), "complete");
  clock.advance(4000);
  assert.equal((await peer.connection.closed).how, "orderly");
});

Deno.test("a client whose authority was renewed stays when the old certificate of that authority expires", async () => {
  for (const isLate of [false, true]) {
    const clock = new ManualClock(Date.now());
    const { key } = root;
    const old = makeCertificate({
      name: "renewed root",
      authority: true,
      key,
      notAfter: clock.now() + 60_000,
    });
    const renewed = makeCertificate({ name: "renewed root", authority: true, key });
    const certificate = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: old });
    const held = holding();
    await using listener = await listenAs(
      { certificate: worker.fine(), trusts: [old, renewed, root] },
      { clock, onPeer: () => held.options, distrustGraceMs: 1000 },
    );
    const peer = await dialAs({ certificate, trusts: [root] }, listener.address);
    const before = callHeld(peer);
    await held.begun;
    // As after the machine was suspended, or by our timer.
    if (isLate) clock.setBack(-62_000);
    else clock.advance(62_000);
    const after = callHeld(peer);
    await Promise.race([held.second, after.ended]);
    clock.advance(2000);
    held.answer();
    assert.equal((await before.ended).how, "complete");
    assert.equal((await after.ended).how, "complete");
    assert.equal(listener.connections().every(({ takesCalls }) => takesCalls), true);
  }
});

Deno.test("a client whose chain expires takes no new call either where our timer is late", async () => {
  const clock = new ManualClock(Date.now());
  const certificate = makeCertificate({
    names: [{ uri: CLIENT_ID }],
    issuer: root,
    notAfter: clock.now() + 60_000,
  });
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, { clock });
  const peer = await dialAs({ certificate, trusts: [root] }, listener.address);
  assert.equal(await callOnce(peer), "complete");
  // As after the machine was suspended: the date is another, and no timer has fired.
  clock.setBack(-62_000);
  assert.equal(await callOnce(peer), "not-processed");
  assert.equal((await peer.connection.closed).how, "orderly");
});

Deno.test("a connection is asked to leave at its age, give or take a tenth", async () => {
  const clock = new ManualClock(Date.now());
  await using listener = await listenAs(undefined, { clock, connectionAgeMs: 10_000 });
  const peer = await dialAs(undefined, listener.address);
  clock.advance(8_999);
  assert.equal(await callOnce(peer), "complete");
  clock.advance(2_002);
  assert.equal((await peer.connection.closed).how, "orderly");
});

Deno.test("a distrusted client's new call is refused at once, while an earlier one finishes", async () => {
  const denied = client.fine();
  const certificate = worker.fine();
  const fresh = materialOf({ certificate, trusts: [root] });
  const source = new TurnableSource(fresh);
  const held = holding();
  await using listener = await listenAs(source, { onPeer: () => held.options });
  const peer = await dialAs({ certificate: denied, trusts: [root] }, listener.address);
  const before = callHeld(peer);
  await held.begun;
  const { denylist } = materialOf({ certificate, trusts: [root], denylist: denylistOf(denied) });
  source.turn({ ...fresh, denylist, generation: fresh.generation + 1 });
  // The client has not heard of it yet: GOAWAY is still on its way.
  const after = callHeld(peer);
  assert.equal((await after.ended).how, "not-processed");
  held.answer();
  assert.equal((await before.ended).how, "complete");
});

Deno.test("drain asks every peer to leave and ends with the last call", async () => {
  const held = holding();
  await using listener = await listenAs(undefined, { onPeer: () => held.options });
  const peer = await dialAs(undefined, listener.address);
  const call = callHeld(peer);
  await held.begun;
  let drained = false;
  const draining = listener.drain().then(() => drained = true);
  await assert.rejects(dialAs(undefined, listener.address), { name: "WorkerUnavailable" });
  assert.equal(drained, false);
  held.answer();
  assert.equal((await call.ended).how, "complete");
  await draining;
});
