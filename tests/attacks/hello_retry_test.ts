/** HelloRetryRequest at length (RFC 8446 §4.1.4), with either end as the attacker. */
import assert from "node:assert/strict";
import type { HandshakeReason } from "../../src/errors/mod.ts";
import { callOnce, dialAs, handshakeErrorOf, listenAs } from "../support/peers.ts";
import { ManualClock } from "../support/manual_clock.ts";
import {
  certificateRequest,
  clientHello,
  CONTENT,
  encryptedExtensions,
  helloRetryRequest,
  isRetry,
  joined,
  makeKeyShare,
  MESSAGE,
  message,
  messageHash,
  type Octets,
  RawPeer,
  readClientHello,
  readHello,
  readServerHello,
  RecordLayer,
  type Retry,
  serverHello,
  signingKey,
  X25519,
} from "../support/raw_tls/mod.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { authorities, flawless, HTTP2 } from "./raw_attack.ts";

const { root } = authorities;
const P256 = 0x0017;
const UNKNOWN_GROUP = 0x6a6a;
const AES_256 = 0x1302;
const HANDSHAKE_MS = 5_000;
const worker = { certificate: flawless.server, trusts: [root] };
const client = { certificate: flawless.client, trusts: [root] };

/** A client that the worker has asked for a second ClientHello. */
interface Asked {
  readonly records: RecordLayer;
  /** The one that it sent. */
  readonly first: Octets;
  readonly retry: Octets;
  readonly random: Uint8Array;
  readonly share: Octets;
  readonly clock: ManualClock;
  say(hello: Octets): Promise<void>;
}

/** Offers a group without a share of it, as a client may that leaves the choice to the server. */
async function askedAgain(port: number, share: Octets, clock: ManualClock): Promise<Asked> {
  const records = new RecordLayer(await Deno.connect({ hostname: "127.0.0.1", port }));
  const random = crypto.getRandomValues(new Uint8Array(32));
  const first = clientHello([], { random });
  const say = async (hello: Octets) => {
    await records.write(CONTENT.handshake, hello);
    await records.send();
  };
  await say(first);
  const { body, octets: retry } = await readHello(records, MESSAGE.serverHello);
  assert.ok(isRetry(body), "the worker asked for no second hello");
  return { records, first, retry, random, share, clock, say };
}

Deno.test("a worker asks an honest client for a share, and accepts it then", async () => {
  await using listener = await listenAs(worker);
  assert.ok(listener.address.kind === "tcp");
  const { share, agree } = await makeKeyShare();
  const clock = new ManualClock(Date.now());
  const { records, first, retry, random, say } = await askedAgain(
    listener.address.port,
    share,
    clock,
  );
  const second = clientHello([{ group: X25519, share }], { random });
  await say(second);
  const answer = await readHello(records, MESSAGE.serverHello);
  const hellos = joined(await messageHash(first), retry, second, answer.octets);
  const shared = await agree(readServerHello(answer.body));
  using raw = await RawPeer.after(hellos, shared, "client", records);
  await raw.untilFinished();
  await raw.authenticate([flawless.client.der], await signingKey(flawless.client.keyPem));
  await raw.application(HTTP2);
  await raw.send();
  await raw.untilApplication(1);
  // The group is that of the ServerHello, not what the HelloRetryRequest before it says.
  const groups = listener.connections().map(({ peer }) => peer.facts.tls?.keyExchange);
  assert.deepEqual(groups, ["x25519"]);
});

/** What a client may do that was asked for a second ClientHello, and what the worker names it. */
const SECOND_HELLOS: readonly (readonly [string, (asked: Asked) => Promise<void> | void])[] = [
  ["sends the first hello again", ({ say, first }) => say(first)],
  ["offers no share again", ({ say, random }) => say(clientHello([], { random }))],
  [
    "offers a share of a group that was not asked for",
    ({ say, random, share }) => say(clientHello([{ group: P256, share }], { random })),
  ],
  [
    "offers a share that is too short",
    ({ say, random, share }) =>
      say(clientHello([{ group: X25519, share: share.slice(1) }], { random })),
  ],
  [
    "supports the group no more",
    ({ say, random, share }) =>
      say(clientHello([{ group: X25519, share }], { random, groups: [P256] })),
  ],
  [
    "supports the cipher suite no more",
    ({ say, random, share }) =>
      say(clientHello([{ group: X25519, share }], { random, suites: [AES_256, 0x1303] })),
  ],
  ["sends a message that is no hello", ({ say }) => say(message(MESSAGE.finished, joined()))],
  ["speaks plaintext", async ({ records }) => {
    records.writeAsTheyAre(HTTP2);
    await records.send();
  }],
  ["announces a hello of 16 MiB and sends some of it", async ({ records, say, first }) => {
    await say(joined(Uint8Array.of(1, 0xff, 0xff, 0xff), first));
    for (let part = 0; part < 64; part++) {
      await records.write(CONTENT.handshake, new Uint8Array(16_384));
      if (!await records.send()) return;
    }
  }],
  ["floods with change_cipher_spec", async ({ records }) => {
    for (let n = 0; n < 64; n++) records.writeAsTheyAre(Uint8Array.of(20, 3, 3, 0, 1, 1));
    await records.send();
  }],
  ["hangs up", ({ records }) => records.close()],
  ["is silent", ({ clock }) => clock.advance(HANDSHAKE_MS)],
  ["sends half of the second hello and is silent", async ({ records, random, share, clock }) => {
    await records.write(
      CONTENT.handshake,
      clientHello([{ group: X25519, share }], { random }).slice(0, 40),
    );
    await records.send();
    clock.advance(HANDSHAKE_MS);
  }],
];

for (const [how, act] of SECOND_HELLOS) {
  Deno.test(`a worker refuses a client that was asked for a second hello and ${how}`, async () => {
    const observer = new RecordingObserver();
    const clock = new ManualClock(Date.now());
    await using listener = await listenAs(worker, { observer, clock });
    assert.ok(listener.address.kind === "tcp");
    const { share } = await makeKeyShare();
    const asked = await askedAgain(listener.address.port, share, clock);
    await act(asked);
    // Until the worker has left.
    if (how !== "hangs up") { while (await asked.records.read() !== undefined); }
    const [refused, ...more] = await observer.until("handshake.refused");
    assert.deepEqual(more, []);
    const reason: HandshakeReason = how === "hangs up"
      ? "handshake-aborted"
      : how.endsWith("is silent")
      ? "handshake-timeout"
      : "tls-alert";
    assert.equal(refused?.reason, reason, refused?.evidence.found);
    assert.deepEqual(observer.of("peer.accepted"), []);
    assert.equal(await callOnce(await dialAs(client, listener.address)), "complete");
    asked.records.close();
  });
}

/** What a server was sent first, and what it says to it. */
interface Hello {
  readonly records: RecordLayer;
  readonly first: Octets;
  readonly sessionId: Octets;
  readonly clock: ManualClock;
  say(hello: Octets): Promise<void>;
  /** Asks for a second ClientHello, and reads it. */
  again(retry: Retry): Promise<{ retry: Octets; second: Octets }>;
}

/** A server that does with each client what `act` says, and hangs up. */
function listenForHello(clock: ManualClock, act: (hello: Hello) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (connection: Deno.TcpConn): Promise<void> => {
    const records = new RecordLayer(connection);
    const say = async (hello: Octets) => {
      await records.write(CONTENT.handshake, hello);
      await records.send();
    };
    try {
      const { body, octets: first } = await readHello(records, MESSAGE.clientHello);
      const { sessionId } = readClientHello(body);
      const again = async (wanted: Retry) => {
        const retry = helloRetryRequest(sessionId, wanted);
        await say(retry);
        const { octets: second } = await readHello(records, MESSAGE.clientHello);
        return { retry, second };
      };
      await act({ records, first, sessionId, clock, say, again });
      while (await records.read() !== undefined);
    } finally {
      records.close();
    }
  };
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(serve(connection));
  })();
  return {
    address: { kind: "tcp", host: "127.0.0.1", port: listener.addr.port } as const,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

Deno.test("a dispatcher answers an honest worker that asks for a second hello with a cookie, and sends the preface", async () => {
  const clock = new ManualClock(Date.now());
  const heard = Promise.withResolvers<Octets>();
  await using server = listenForHello(clock, async ({ records, first, sessionId, say, again }) => {
    const { retry, second } = await again({ cookie: new Uint8Array(32).fill(7) });
    const { share: theirs } = readClientHello(second.slice(4));
    const { share, agree } = await makeKeyShare();
    const answer = serverHello(sessionId, share);
    await say(answer);
    const hellos = joined(await messageHash(first), retry, second, answer);
    using raw = await RawPeer.after(hellos, await agree(theirs), "server", records);
    await raw.handshake(encryptedExtensions());
    await raw.handshake(certificateRequest());
    await raw.authenticate([flawless.server.der], await signingKey(flawless.server.keyPem));
    await raw.send();
    heard.resolve(await raw.untilApplication(HTTP2.length));
  });
  const dial = dialAs(client, server.address, { clock });
  assert.deepEqual((await heard.promise).slice(0, 24), HTTP2.slice(0, 24));
  await assert.rejects(dial, { reason: "handshake-aborted" });
});

/** What a server may do instead of going on, and what a dispatcher names it. */
const RETRIES: readonly (readonly [string, HandshakeReason, (hello: Hello) => Promise<void>])[] = [
  ["asks for a third hello", "tls-alert", async ({ again, say, sessionId }) => {
    await again({ group: P256 });
    await say(helloRetryRequest(sessionId, { group: P256 }));
  }],
  ["asks for a third hello with a cookie", "tls-alert", async ({ again, say, sessionId }) => {
    await again({ cookie: new Uint8Array(32) });
    await say(helloRetryRequest(sessionId, { cookie: new Uint8Array(33) }));
  }],
  [
    "asks for what it was given",
    "tls-alert",
    ({ say, sessionId }) => say(helloRetryRequest(sessionId, { group: X25519 })),
  ],
  [
    "asks for a group that was not offered",
    "tls-alert",
    ({ say, sessionId }) => say(helloRetryRequest(sessionId, { group: UNKNOWN_GROUP })),
  ],
  ["asks for nothing", "tls-alert", ({ say, sessionId }) => say(helloRetryRequest(sessionId, {}))],
  [
    "asks for a cipher suite that was not offered",
    "tls-alert",
    ({ say, sessionId }) => say(helloRetryRequest(sessionId, { group: P256, suite: 0x6a6a })),
  ],
  [
    "sends another session id",
    "tls-alert",
    ({ say }) => say(helloRetryRequest(new Uint8Array(32).fill(1), { group: P256 })),
  ],
  ["takes another group than it asked for", "tls-alert", async ({ again, say, sessionId }) => {
    await again({ group: P256 });
    await say(serverHello(sessionId, (await makeKeyShare()).share));
  }],
  ["takes another cipher suite than it asked for", "tls-alert", async (hello) => {
    await hello.again({ cookie: new Uint8Array(32), suite: AES_256 });
    await hello.say(serverHello(hello.sessionId, (await makeKeyShare()).share));
  }],
  ["is finished at once", "tls-alert", async ({ again, say }) => {
    await again({ group: P256 });
    await say(message(MESSAGE.finished, new Uint8Array(32)));
  }],
  ["speaks plaintext", "tls-alert", async ({ again, records }) => {
    await again({ group: P256 });
    records.writeAsTheyAre(HTTP2);
    await records.send();
  }],
  ["hangs up", "handshake-aborted", async ({ again, records }) => {
    await again({ group: P256 });
    records.close();
  }],
  ["is silent", "handshake-timeout", async ({ again, clock }) => {
    await again({ group: P256 });
    clock.advance(HANDSHAKE_MS);
  }],
  ["wants the largest cookie and is silent", "handshake-timeout", async ({ again, clock }) => {
    await again({ cookie: new Uint8Array(60_000) });
    clock.advance(HANDSHAKE_MS);
  }],
];

for (const [how, reason, act] of RETRIES) {
  Deno.test(`a dispatcher leaves a worker that is to ask for a second hello and ${how}`, async () => {
    const clock = new ManualClock(Date.now());
    await using server = listenForHello(clock, act);
    const error = await handshakeErrorOf(dialAs(client, server.address, { clock }));
    assert.equal(error.reason, reason, error.message);
    assert.equal(error.side, how === "hangs up" ? "worker" : "dispatcher");
  });
}
