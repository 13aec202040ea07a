import assert from "node:assert/strict";
import type { ServerConnectionOptions } from "../../src/http2/mod.ts";
import type { AcceptedPeer, DialledPeer, PeerListener } from "../../src/peer/mod.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { LEAST_STAY_MS } from "../../src/peer/held_peer.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { certificateShapes, denylistOf, makeAuthorities } from "../support/certificates.ts";
import {
  answering,
  callOnce,
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  materialOf,
  type Shown,
  TurnableSource,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { HeldBack } from "./held_back.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const workers = certificateShapes(authorities, WORKER_ID);
const clients = certificateShapes(authorities, CLIENT_ID);
const certificate = workers.fine();

/** A listener that rotates while a handshake is under way, and an older connection has a call in flight. */
class Race implements AsyncDisposable {
  readonly observer: RecordingObserver;
  readonly #source: TurnableSource;
  readonly #resources: AsyncDisposableStack;
  readonly listener: PeerListener;
  readonly #held: HeldBack;

  private constructor(
    source: TurnableSource,
    resources: AsyncDisposableStack,
    listener: PeerListener,
    held: HeldBack,
    observer: RecordingObserver,
  ) {
    this.#source = source;
    this.#resources = resources;
    this.listener = listener;
    this.#held = held;
    this.observer = observer;
  }

  /** Listens with these credentials, and by this clock. */
  static async begin(before: Shown, clock: Clock = systemClock): Promise<Race> {
    const observer = new RecordingObserver();
    const resources = new AsyncDisposableStack();
    const source = new TurnableSource(materialOf(before));
    const onPeer = ({ id }: AcceptedPeer) => id === 1 ? neverAnswering : answering();
    const listener = resources.use(await listenAs(source, { clock, observer, onPeer }));
    const held = resources.use(await HeldBack.open(listener.address));
    return new Race(source, resources, listener, held, observer);
  }

  /** A dial whose handshake begins under the credentials of before, and ends under those of `after`. */
  async dial(shown: Shown, after: Shown): Promise<DialledPeer> {
    const dial = dialAs(shown, this.#held.address);
    dial.catch(() => {}); // looked at by the test, later
    await this.#held.arrived;
    // Connections are accepted in order: once this one is, so is the one before it.
    const older = await dialAs(
      { certificate: clients.fine(), trusts: [root] },
      this.listener.address,
    );
    callOnce(older);
    this.#source.turn(materialOf(after));
    this.#held.release();
    return await dial;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

const neverAnswering: ServerConnectionOptions = {
  onRequest: () => ({ data: () => {}, trailers: () => {}, closed: () => {} }),
};

Deno.test("a handshake under way when its CA is removed is refused", async () => {
  await using race = await Race.begin({ certificate, trusts: [root, foreign] });
  const old = { certificate: clients["foreign-authority"](), trusts: [root] };
  const error = await handshakeErrorOf(race.dial(old, { certificate, trusts: [root] }));
  assert.deepEqual([error.side, error.reason, error.peerReason], [
    "worker",
    "client-certificate-refused",
    "untrusted-authority",
  ]);
  assert.equal(race.observer.of("peer.accepted").length, 1);
});

Deno.test("a handshake under way when its client is denied is refused", async () => {
  const denied = clients.fine();
  await using race = await Race.begin({ certificate, trusts: [root] });
  const after = { certificate: workers.fine(), trusts: [root], denylist: denylistOf(denied) };
  const error = await handshakeErrorOf(race.dial({ certificate: denied, trusts: [root] }, after));
  assert.equal(error.peerReason, "certificate-denied");
});

Deno.test("a dial under way when the worker rotates reaches the worker all the same, and is asked to leave", async () => {
  const clock = new ManualClock(Date.now());
  await using race = await Race.begin({ certificate, trusts: [root] }, clock);
  const shown = { certificate: clients.fine(), trusts: [root] };
  const peer = await race.dial(shown, { certificate: workers.fine(), trusts: [root] });
  assert.equal(await callOnce(peer), "complete");
  assert.notEqual(race.listener.connections().at(-1)?.generation, race.listener.generation);
  clock.advance(LEAST_STAY_MS);
  assert.equal((await peer.connection.closed).how, "orderly");
});

Deno.test("a dial under way when the worker rotates is taken by a generation that has no other connection, and asked to leave", async () => {
  const observer = new RecordingObserver();
  const clock = new ManualClock(Date.now());
  const source = new TurnableSource(materialOf({ certificate, trusts: [root] }));
  await using listener = await listenAs(source, { clock, observer });
  await using held = await HeldBack.open(listener.address);
  const shown = { certificate: clients.fine(), trusts: [root] };
  const dial = dialAs(shown, held.address);
  await held.arrived;
  // Connections are accepted in order: once this one is over, the one before it waits with its TLS.
  const other = await dialAs(shown, listener.address);
  await other.connection.shutdown();
  const [first] = listener.connections();
  await first?.connection.closed;
  source.turn(materialOf({ certificate: workers.fine(), trusts: [root] }));
  assert.equal(observer.of("listener.generation").at(-1)?.state, "ended");
  held.release();
  const peer = await dial;
  assert.equal(await callOnce(peer), "complete");
  clock.advance(LEAST_STAY_MS);
  assert.equal((await peer.connection.closed).how, "orderly");
  const later = await dialAs(shown, listener.address);
  assert.equal(await callOnce(later), "complete");
  const accepted = observer.of("peer.accepted").slice(1).map(({ generation }) => generation);
  assert.equal(accepted.length, 2);
  assert.equal(accepted[1], listener.generation);
  assert.notEqual(accepted[0], listener.generation);
  assert.equal(observer.of("listener.generation").length, 4);
});

Deno.test("calls go through where every connection that is accepted is followed by a rotation", async () => {
  const versions = [certificate, workers.fine(), workers.fine()].map((certificate) =>
    materialOf({ certificate, trusts: [root] })
  );
  const source = new TurnableSource(versions[0]!);
  let accepted = 0;
  const observer = new RecordingObserver();
  await using listener = await listenAs(source, {
    // It stands: no connection is asked to leave for its age while the test runs.
    clock: new ManualClock(Date.now()),
    observer,
    onPeer: () => {
      accepted += 1;
      source.turn(versions[accepted % versions.length]!);
      return answering();
    },
  });
  const shown = { certificate: clients.fine(), trusts: [root] };
  for (let dial = 1; dial <= 6; dial++) {
    const peer = await dialAs(shown, listener.address);
    assert.equal(await callOnce(peer), "complete");
    assert.equal(accepted, dial, "one dial is enough");
    await peer.connection.shutdown();
  }
});
