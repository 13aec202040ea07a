import assert from "node:assert/strict";
import { DEFAULT_SOCKET_LIMITS, dialInMemory, SocketAdmission } from "../channel/mod.ts";
import { connect } from "node:net";
import { parsePattern } from "../identity/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  makeCertificate,
} from "../../tests/support/certificates.ts";
import { ManualClock } from "../../tests/support/manual_clock.ts";
import {
  answering,
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
import { listenForPeers, processSecret } from "./mod.ts";

const authorities = makeAuthorities();
const { root, foreign } = authorities;
const worker = certificateShapes(authorities, WORKER_ID);
const client = certificateShapes(authorities, CLIENT_ID);

for (const at of ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0", "localhost:0"]) {
  Deno.test(`a worker at ${at} is proven by a certificate that names no address`, async () => {
    await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, { at });
    const peer = await dialAs({ certificate: client.fine(), trusts: [root] }, listener.address);
    assert.equal(peer.identity?.name, WORKER_ID);
    assert.equal(peer.facts.security, "mutual-tls");
    assert.equal(peer.facts.tls?.version, "TLSv1.3");
    assert.equal(await callOnce(peer), "complete");
  });
}

Deno.test("a bundle with more authorities than a chain may have certificates does no harm", async () => {
  const others = Array.from(
    { length: 9 },
    (_, at) => makeCertificate({ name: `root ${at}`, authority: true }),
  );
  const trusts = [...others, root];
  await using listener = await listenAs({ certificate: worker.fine(), trusts });
  const peer = await dialAs({ certificate: client.fine(), trusts }, listener.address);
  assert.equal(await callOnce(peer), "complete");
});

Deno.test("one-way TLS proves the worker and asks the client for nothing", async () => {
  const certificate = worker.fine();
  await using listener = await listenAs({ certificate, trusts: [root], oneWay: true });
  assert.equal(listener.security, "one-way-tls");
  const peer = await dialAs({ trusts: [root] }, listener.address);
  assert.equal(peer.identity?.name, WORKER_ID);
  assert.equal(await callOnce(peer), "complete");
  assert.equal(listener.connections()[0]?.peer.identity, undefined);
});

Deno.test("one-way TLS can listen with the platform's own TLS, and names failures as ours does", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs(
    { certificate: worker.fine(), trusts: [root], oneWay: true },
    { observer, nativeTls: true, descriptors: 1_024 },
  );
  const peer = await dialAs({ trusts: [root] }, listener.address);
  assert.equal(peer.identity?.name, WORKER_ID);
  assert.equal(await callOnce(peer), "complete");
  const [held] = listener.connections();
  assert.equal(held?.peer.facts.security, "one-way-tls");
  assert.equal(held?.peer.facts.tls?.version, "unknown");
  const plain = await handshakeErrorOf(dialAs(undefined, listener.address));
  assert.equal(plain.reason, "encrypted-peer");
  const distrusting = await handshakeErrorOf(dialAs({ trusts: [foreign] }, listener.address));
  assert.equal(distrusting.reason, "untrusted-authority");
  const reasons = (await observer.until("handshake.refused", 2)).map(({ reason }) => reason);
  assert.deepEqual(reasons.slice(0, 2), ["plaintext-peer", "untrusted-authority"]);
  await peer.connection.shutdown();
});

Deno.test("the platform's own TLS is not listened with where there are few descriptors", async () => {
  await using listener = await listenAs(
    { certificate: worker.fine(), trusts: [root], oneWay: true },
    { nativeTls: true, descriptors: 1_023 },
  );
  const peer = await dialAs({ trusts: [root] }, listener.address);
  assert.equal(await callOnce(peer), "complete");
  const [held] = listener.connections();
  assert.equal(held?.peer.facts.security, "one-way-tls");
  assert.equal(held?.peer.facts.tls?.version, "TLSv1.3");
  await peer.connection.shutdown();
});

for (
  const [what, shown, options] of [
    ["mutual TLS", { certificate: worker.fine(), trusts: [root] }, {}],
    ["no TLS", undefined, {}],
    ["TLS 1.3 alone", { certificate: worker.fine(), trusts: [root], oneWay: true }, {
      minTlsVersion: "TLSv1.3",
    }],
    ["a unix socket", { certificate: worker.fine(), trusts: [root], oneWay: true }, {
      at: "unix:/nowhere/worker.sock",
    }],
  ] as const
) {
  Deno.test(`the platform's own TLS is not listened with for ${what}`, async () => {
    await assert.rejects(listenAs(shown, { ...options, nativeTls: true }), {
      name: "ConfigurationError",
      setting: "nativeTls",
    });
  });
}

Deno.test("the platform's own TLS is not listened with where credentials may change", async () => {
  const source = new TurnableSource(
    materialOf({ certificate: worker.fine(), trusts: [root], oneWay: true }),
  );
  await assert.rejects(listenAs(source, { nativeTls: true }), { setting: "nativeTls" });
});

Deno.test("plaintext, a unix socket and memory carry calls and prove nobody", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const at of ["127.0.0.1:0", `unix:${folder}/worker.sock`, "memory:carries-calls"]) {
      await using listener = await listenAs(undefined, { at });
      const peer = await dialAs(undefined, listener.address);
      assert.equal(peer.identity, undefined);
      assert.equal(peer.facts.security, listener.security);
      assert.equal(await callOnce(peer), "complete");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a unix socket can carry mutual TLS", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const at = `unix:${folder}/worker.sock`;
    await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, { at });
    const peer = await dialAs({ certificate: client.fine(), trusts: [root] }, listener.address);
    assert.equal(peer.identity?.name, WORKER_ID);
    assert.equal((await Deno.stat(`${folder}/worker.sock`)).mode! & 0o777, 0o600);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a unix socket that a killed worker left behind is taken over, a living one is not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const at = `unix:${folder}/worker.sock`;
    await using _living = await listenAs(undefined, { at });
    await assert.rejects(listenAs(undefined, { at }), { name: "ConfigurationError" });
    const left = `unix:${folder}/left.sock`;
    const script = `Deno.listen({ transport: "unix", path: ${
      JSON.stringify(left.slice(5))
    } }); Deno.kill(Deno.pid, "SIGKILL");`;
    await new Deno.Command(Deno.execPath(), { args: ["eval", script] }).output();
    await using listener = await listenAs(undefined, { at: left });
    assert.equal(await callOnce(await dialAs(undefined, listener.address)), "complete");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("in memory a dialler goes by the identity it gives, within `allow`", async () => {
  await using listener = await listenAs(undefined, { at: "memory:introduced" });
  const identity = {
    kind: "spiffe",
    name: CLIENT_ID,
    names: [CLIENT_ID],
    spiffeId: { text: CLIENT_ID, trustDomain: "example.org", segments: ["client", "a"] },
    commonName: undefined,
    certificate: materialOf({ certificate: client.fine(), trusts: [root] }).own!.summary,
    fingerprint: "",
  } as const;
  const peer = await dialAs(undefined, listener.address, { introduceAs: identity });
  assert.equal(listener.connections()[0]?.peer.identity?.name, CLIENT_ID);
  await peer.connection.shutdown();
  const other = {
    ...identity,
    spiffeId: { text: WORKER_ID, trustDomain: "example.org", segments: ["worker"] },
  };
  const error = await handshakeErrorOf(
    dialAs(undefined, listener.address, { introduceAs: other }),
  );
  assert.equal(error.peerReason, "subject-not-allowed");
});

Deno.test("an address that is taken is a configuration error", async () => {
  await using listener = await listenAs(undefined);
  await assert.rejects(
    listenForPeers(listener.address, {
      workerId: "w",
      credentials: undefined,
      allow: [],
      onPeer: answering,
    }),
    { name: "ConfigurationError", setting: "listen" },
  );
});

Deno.test("a client that says nothing is cut off in time, and others are served meanwhile", async () => {
  const clock = new ManualClock(Date.now());
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, {
    clock,
    observer,
    handshakeTimeoutMs: 1000,
  });
  assert.ok(listener.address.kind === "tcp");
  const mute = connect(listener.address.port, listener.address.host);
  const closed = new Promise<void>((resolve) => mute.once("close", () => resolve()));
  const shown = { certificate: client.fine(), trusts: [root] };
  const peer = await dialAs(shown, listener.address);
  assert.equal(await callOnce(peer), "complete");
  clock.advance(1000);
  const [refused] = await observer.until("handshake.refused");
  assert.equal(refused?.reason, "handshake-timeout");
  await closed;
  assert.equal(peer.connection.state, "open");
});

Deno.test("connections that say nothing make way for those that come later", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, {
    observer,
    admission: new SocketAdmission({ ...DEFAULT_SOCKET_LIMITS, pendingHandshakes: 4 }),
  });
  assert.ok(listener.address.kind === "tcp");
  const { host, port } = listener.address;
  const mute = Array.from({ length: 8 }, () => connect(port, host).on("error", () => {}));
  const shown = { certificate: client.fine(), trusts: [root] };
  const peer = await dialAs(shown, listener.address);
  assert.equal(await callOnce(peer), "complete");
  const dropped = await observer.until("handshake.refused", 4);
  assert.ok(
    dropped.every(({ evidence }) => evidence.found?.includes("limits.pendingHandshakes")),
  );
  for (const socket of mute) socket.destroy();
});

Deno.test("a worker whose allow list has only another name refuses and reports who it was", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, {
    observer,
    allow: [parsePattern("spiffe://example.org/admin", { clients: true })],
  });
  const shown = { certificate: client.fine(), trusts: [root] };
  const error = await handshakeErrorOf(dialAs(shown, listener.address));
  assert.equal(error.peerReason, "subject-not-allowed");
  const [refused] = await observer.until("handshake.refused");
  assert.deepEqual(refused?.evidence.presented, [CLIENT_ID]);
});

Deno.test("a dispatcher that only reads our certificate is counted", async () => {
  const observer = new RecordingObserver();
  const probed = Promise.withResolvers<string>();
  observer.metrics.handshake = (_side, reason) => {
    if (reason === "probe") probed.resolve(reason);
  };
  await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, {
    observer,
  });
  const distrusting = { certificate: client.fine(), trusts: [foreign] };
  await handshakeErrorOf(dialAs(distrusting, listener.address));
  assert.equal(await probed.promise, "probe");
  const refused = observer.of("handshake.refused").map(({ reason }) => reason);
  assert.ok(!refused.includes("client-certificate-required"), `${refused}`);
});

for (const where of ["judging a client", "taking a client"] as const) {
  Deno.test(`an unexpected error in ${where} closes that connection alone, and is reported`, async () => {
    const faults: [unknown, string][] = [];
    let failing = true;
    const fault = () => {
      if (failing) throw new RangeError("unexpected");
    };
    await using listener = await listenAs({ certificate: worker.fine(), trusts: [root] }, {
      onFault: (...reported) => faults.push(reported),
      ...(where === "taking a client"
        ? {
          onPeer: () => {
            fault();
            return answering();
          },
        }
        : {
          verdict: {
            get certificates() {
              fault();
              return 8;
            },
          },
        }),
    });
    const shown = { certificate: client.fine(), trusts: [root] };
    const error = await handshakeErrorOf(dialAs(shown, listener.address));
    assert.equal(error.reason, "handshake-aborted");
    const [[thrown, address] = assert.fail("nothing was reported"), ...more] = faults;
    assert.ok(thrown instanceof RangeError);
    assert.match(address, /^127\.0\.0\.1:/);
    assert.deepEqual(more, []);
    assert.deepEqual(listener.connections(), []);
    failing = false;
    assert.equal(await callOnce(await dialAs(shown, listener.address)), "complete");
  });
}

Deno.test("a listener of the process itself in memory ends what shows another secret, or meets an error of ours", async () => {
  const fault = new Error("an error of ours");
  const faults: unknown[] = [];
  const secret = processSecret();
  const address = { kind: "memory", name: `own-${crypto.randomUUID()}` } as const;
  await using _listener = await listenForPeers(address, {
    workerId: "w",
    credentials: undefined,
    allow: [],
    onPeer: () => assert.fail("nobody is a peer"),
    own: {
      secret,
      identity() {
        throw fault;
      },
    },
    onFault: (error) => faults.push(error),
  });
  for (const [shown, expected] of [[processSecret(), []], [secret, [fault]]] as const) {
    const channel = dialInMemory(address, {})!;
    const closed = new Promise<void>((resolve) =>
      channel.start({ received() {}, ended() {}, closed: () => resolve() })
    );
    channel.write(shown, () => {});
    await closed;
    assert.deepEqual(faults, expected);
  }
});
