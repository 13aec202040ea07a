import assert from "node:assert/strict";
import { WorkerUnavailable } from "../../src/errors/mod.ts";
import {
  certificateShapes,
  makeAuthorities,
  type TestCertificate,
} from "../support/certificates.ts";
import {
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  type Shown,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { forgedChains } from "./forged_chains.ts";
import { ForeignProcess } from "./foreign_process.ts";

const authorities = makeAuthorities();
const { root } = authorities;
const worker = certificateShapes(authorities, WORKER_ID).fine();
const client = certificateShapes(authorities, CLIENT_ID).fine();

/** What a client sends that begins with HTTP/2 at once. */
const PREFACE = btoa("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
/** SETTINGS, then GOAWAY with INADEQUATE_SECURITY and `{"refused":"`. */
const REFUSAL =
  /^000000040000000000[0-9a-f]{6}0700000000007fffffff0000000c7b2272656675736564223a22/;

function trusting(certificate: TestCertificate, also: TestCertificate | undefined): Shown {
  return { certificate, trusts: also === undefined ? [root] : [root, also] };
}

for (const forged of forgedChains(authorities)) {
  const { name, make, alsoTrusted } = forged;

  Deno.test(`a dispatcher writes nothing to a worker that shows ${name}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs(trusting(make(WORKER_ID), alsoTrusted), { observer });
    const error = await handshakeErrorOf(dialAs(trusting(client, alsoTrusted), listener.address));
    assert.notEqual(error.reason, "handshake-aborted", error.message);
    assert.equal(error.side, "dispatcher", error.message);
    assert.equal((await observer.until("handshake.refused"))[0]?.side, "dispatcher");
  });

  if (forged.denoClient !== false) {
    Deno.test(`a worker parses nothing of a client that shows ${name}`, async () => {
      const observer = new RecordingObserver();
      await using listener = await listenAs(trusting(worker, alsoTrusted), {
        observer,
        onPeer: () => assert.fail("the client was accepted"),
      });
      const dial = dialAs(trusting(make(CLIENT_ID), alsoTrusted), listener.address);
      const error = await handshakeErrorOf(dial);
      assert.equal(error.reason, "client-certificate-refused", error.message);
      const [refused, ...more] = await observer.until("handshake.refused");
      assert.equal(refused?.side, "worker");
      assert.deepEqual(more, []);
    });
  }

  Deno.test(`a dispatcher writes nothing to a Node server that shows ${name}`, async () => {
    const { chainPem: cert, keyPem: key } = make(WORKER_ID);
    await using server = new ForeignProcess("foreign_server.mjs", {
      cert,
      key,
      ca: root.pem,
      requestCert: true,
    });
    const { port } = await server.until("listening");
    const address = { kind: "tcp", host: "127.0.0.1", port: Number(port) } as const;
    const error = await handshakeErrorOf(dialAs(trusting(client, alsoTrusted), address));
    assert.equal(error.side, "dispatcher", error.message);
    await dialAs(trusting(client, alsoTrusted), address).catch((again) => {
      assert.equal(again.reason, error.reason);
      assert.ok(!(again instanceof WorkerUnavailable));
    });
    assert.deepEqual(server.of("data"), []);
  });

  Deno.test(`a worker gives a Node client that shows ${name} the reason, and parses nothing`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs(trusting(worker, alsoTrusted), {
      observer,
      onPeer: () => assert.fail("the client was accepted"),
    });
    assert.ok(listener.address.kind === "tcp");
    const { chainPem: cert, keyPem: key } = make(CLIENT_ID);
    const { port } = listener.address;
    await using peer = new ForeignProcess("foreign_client.mjs", {
      cert,
      key,
      ca: root.pem,
      port,
      steps: [{ send: PREFACE }],
    });
    await peer.done();
    const received = peer.of("data").map(({ hex }) => hex).join("");
    if (received !== "") assert.match(received, REFUSAL);
    assert.equal((await observer.until("handshake.refused"))[0]?.side, "worker");
    assert.ok(received !== "" || peer.of("error").length > 0, JSON.stringify(peer.events));
  });
}
