import assert from "node:assert/strict";
import { makeCertificate } from "../support/certificates.ts";
import { callOnce, CLIENT_ID, dialAs, listenAs, WORKER_ID } from "../support/peers.ts";
import { connectRaw, signingKey } from "../support/raw_tls/mod.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import {
  assertReported,
  attackDispatcher,
  attackWorker,
  authorities,
  flawless,
  HTTP2,
} from "./raw_attack.ts";
import { brokenChains } from "./raw_chains.ts";

const { root, intermediate } = authorities;

for (const { name, make, atDispatcher, reported } of brokenChains(authorities)) {
  Deno.test(`a dispatcher writes nothing to a worker that shows ${name}, and begins HTTP/2 at once`, async () => {
    const { list, keyPem } = make(WORKER_ID);
    const key = await signingKey(keyPem);
    const { error } = await attackDispatcher(async (raw) => {
      await raw.authenticate(list, key);
      await raw.application(HTTP2);
    });
    assert.equal(error.reason, atDispatcher, error.message);
  });

  Deno.test(`a worker parses nothing of a client that shows ${name}, and begins HTTP/2 at once`, async () => {
    const { list, keyPem } = make(CLIENT_ID);
    const key = await signingKey(keyPem);
    const { refused, heard } = await attackWorker(async (raw) => {
      await raw.authenticate(list, key);
      await raw.application(HTTP2);
    });
    assertReported(heard, reported);
    const word = typeof reported === "object" && "refused" in reported
      ? reported.refused
      : "tls-alert";
    assert.equal(refused.reason, word, JSON.stringify(refused));
  });
}

Deno.test("a worker parses nothing of a client that shows no certificate, and begins HTTP/2 at once", async () => {
  const { refused, heard } = await attackWorker(async (raw) => {
    await raw.certificate([]);
    await raw.finished();
    await raw.application(HTTP2);
  });
  assertReported(heard, { refused: "client-certificate-required" });
  assert.equal(refused.reason, "client-certificate-required");
});

Deno.test("a worker judges the first certificate of a client, whatever follows it", async () => {
  const stranger = makeCertificate({ names: [{ uri: CLIENT_ID }] });
  const key = await signingKey(stranger.keyPem);
  const { heard } = await attackWorker(async (raw) => {
    await raw.authenticate([stranger.der, flawless.client.der], key);
    await raw.application(HTTP2);
  });
  assertReported(heard, { refused: "untrusted-authority" });
});

Deno.test("a certificate shown twice proves no more than once", async () => {
  const orphan = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: intermediate });
  const key = await signingKey(orphan.keyPem);
  const { heard } = await attackWorker(async (raw) => {
    await raw.authenticate([orphan.der, orphan.der], key);
    await raw.application(HTTP2);
  });
  assertReported(heard, { refused: "untrusted-authority" });
});

// RFC 8446 §4.4.2: certificates that nobody needs are put up with.
Deno.test("a worker accepts a client that shows its leaf twice where once would do", async () => {
  const observer = new RecordingObserver();
  const shown = { certificate: flawless.server, trusts: [root] };
  await using listener = await listenAs(shown, { observer });
  assert.ok(listener.address.kind === "tcp");
  using raw = await connectRaw(listener.address);
  const { der, keyPem } = flawless.client;
  await raw.authenticate([der, der], await signingKey(keyPem));
  await raw.send();
  assert.equal((await observer.until("peer.accepted"))[0]?.peer.identity, CLIENT_ID);
});

Deno.test("a worker that was shown every broken chain still serves", async () => {
  await using listener = await listenAs({ certificate: flawless.server, trusts: [root] });
  assert.ok(listener.address.kind === "tcp");
  const { address } = listener;
  await Promise.all(
    brokenChains(authorities).map(async ({ make }) => {
      const { list, keyPem } = make(CLIENT_ID);
      using raw = await connectRaw(address);
      await raw.authenticate(list, await signingKey(keyPem));
      await Promise.all([raw.send(), raw.heard()]);
    }),
  );
  const shown = { certificate: flawless.client, trusts: [root] };
  const peer = await dialAs(shown, listener.address);
  assert.equal(await callOnce(peer), "complete");
  await peer.connection.shutdown();
});
