/**
 * Sessions resumed by a Deno client: `fetch`, the one of the platform's clients that does
 * (`tests/canaries/client_resumption_canary_test.ts`). It speaks TLS 1.3 only to us.
 */
import assert from "node:assert/strict";
import { parsePattern } from "../../src/identity/mod.ts";
import type { RefusalReason } from "../../src/observe/mod.ts";
import type { PeerListener } from "../../src/peer/mod.ts";
import {
  denylistOf,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import { MovedClock } from "../support/manual_clock.ts";
import {
  CLIENT_ID,
  listenAs,
  materialOf,
  type Shown,
  TurnableSource,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";

const { root } = makeAuthorities();
const worker = makeCertificate({
  names: [{ uri: WORKER_ID }, { ip: "127.0.0.1" }],
  issuer: root,
});
const shown: Shown = { certificate: worker, trusts: [root] };

const clientOf = (issuer: TestCertificate, notAfter = Date.now() + 3_600_000): TestCertificate =>
  makeCertificate({ names: [{ uri: CLIENT_ID }], issuer, notAfter });

/** A client of the platform that keeps its sessions, whatever it connects to, and its connections never. */
function fetching(
  { chainPem: cert, keyPem: key }: TestCertificate,
): Disposable & { from(listener: PeerListener): Promise<string> } {
  const http = Deno.createHttpClient({ caCerts: [root.pem], cert, key, poolMaxIdlePerHost: 0 });
  return {
    /** `taken` where the worker answered, else what went wrong. */
    async from({ address }): Promise<string> {
      const port = address.kind === "tcp" ? address.port : 0;
      try {
        const response = await fetch(`https://127.0.0.1:${port}/`, { client: http });
        await response.body?.cancel();
        return "taken";
      } catch (error) {
        return String(error instanceof Error ? error.cause ?? error : error);
      }
    },
    [Symbol.dispose]: () => http.close(),
  };
}

/** Whether each client that was accepted had resumed. */
const acceptedBy = (observer: RecordingObserver): (boolean | undefined)[] =>
  observer.of("peer.accepted").map(({ resumed }) => resumed);

/** Asserts that one client was refused, for this reason. */
async function assertRefused(
  observer: RecordingObserver,
  reason: RefusalReason,
): Promise<void> {
  const refused = await observer.until("handshake.refused");
  assert.deepEqual(refused.map(({ reason }) => reason), [reason]);
}

/** What a client reports whose offer to resume was rejected, as it is after a refused resumption. */
const TURNED_DOWN = /UnknownPSKIdentity/;

Deno.test("a session of a Deno client that is still trusted is resumed and judged again", async () => {
  const observer = new RecordingObserver();
  await using listener = await listenAs(shown, { observer });
  using client = fetching(clientOf(root));
  assert.equal(await client.from(listener), "taken");
  assert.equal(await client.from(listener), "taken");
  await observer.until("peer.accepted", 2);
  assert.deepEqual(acceptedBy(observer), [false, true]);
});

Deno.test("a session of a Deno client is refused once its certificate has expired", async () => {
  const observer = new RecordingObserver();
  const clock = new MovedClock();
  await using before = await listenAs(shown);
  await using after = await listenAs(shown, { clock, observer });
  using client = fetching(clientOf(root, Date.now() + 600_000));
  clock.advance(1_200_000);
  assert.equal(await client.from(before), "taken");
  assert.notEqual(await client.from(after), "taken");
  await assertRefused(observer, "certificate-expired");
  assert.match(await client.from(after), TURNED_DOWN);
  assert.deepEqual(acceptedBy(observer), []);
});

Deno.test("a session of a Deno client is refused where `allow` does not name it", async () => {
  const observer = new RecordingObserver();
  await using wide = await listenAs(shown);
  await using narrow = await listenAs(shown, {
    observer,
    allow: [parsePattern("spiffe://example.org/admin", { clients: true })],
  });
  using client = fetching(clientOf(root));
  assert.equal(await client.from(wide), "taken");
  assert.notEqual(await client.from(narrow), "taken");
  await assertRefused(observer, "subject-not-allowed");
  assert.match(await client.from(narrow), TURNED_DOWN);
  assert.deepEqual(acceptedBy(observer), []);
});

/** A client keeps a few tickets of a server, and uses up one an attempt. */
const TICKETS = 8;

Deno.test("a session of a Deno client is refused after the client was denied, and a fresh handshake gets through once it is not", async () => {
  const observer = new RecordingObserver();
  const before = materialOf(shown);
  const source = new TurnableSource(before);
  const certificate = clientOf(root);
  await using listener = await listenAs(source, { observer });
  using client = fetching(certificate);
  assert.equal(await client.from(listener), "taken");
  source.turn(materialOf({ ...shown, denylist: denylistOf(certificate) }));
  assert.notEqual(await client.from(listener), "taken");
  await assertRefused(observer, "certificate-denied");
  source.turn({ ...before, generation: before.generation + 2 });
  let word = "";
  for (let attempt = 0; attempt <= TICKETS && word !== "taken"; attempt++) {
    word = await client.from(listener);
    if (word !== "taken") assert.match(word, TURNED_DOWN);
  }
  assert.equal(word, "taken");
  assert.deepEqual(acceptedBy(observer), [false, false]);
});
