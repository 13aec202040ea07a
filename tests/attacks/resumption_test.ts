import assert from "node:assert/strict";
import {
  denylistOf,
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
} from "../support/certificates.ts";
import { MovedClock } from "../support/manual_clock.ts";
import {
  answering,
  CLIENT_ID,
  listenAs,
  materialOf,
  TurnableSource,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import type { PeerListener } from "../../src/peer/mod.ts";
import { parsePattern } from "../../src/identity/mod.ts";
import { ForeignProcess } from "./foreign_process.ts";

const { root } = makeAuthorities();
const worker = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });

const clientOf = (issuer: TestCertificate, notAfter?: number): TestCertificate =>
  makeCertificate({
    names: [{ uri: CLIENT_ID }],
    issuer,
    ...(notAfter === undefined ? {} : { notAfter }),
  });

/** One connection of a Node client: with which certificate, where to, and whether it resumes its session. */
interface Step {
  readonly certificate: TestCertificate;
  readonly at: PeerListener;
  readonly resume?: boolean;
}

/** Connects step by step and reports of each whether TLS resumed it, and what the worker sent. */
async function connectInTurn(steps: readonly Step[], maxVersion: string): Promise<string[]> {
  await using peer = new ForeignProcess("foreign_client.mjs", {
    ca: root.pem,
    maxVersion,
    steps: steps.map(({ certificate, at, resume }) => ({
      cert: certificate.chainPem,
      key: certificate.keyPem,
      port: at.address.kind === "tcp" ? at.address.port : 0,
      resume: resume ?? false,
      leaveOnData: true,
    })),
  });
  await peer.done();
  return connectionsOf(peer);
}

/** Each connection in one word: `taken`, `refused` by a GOAWAY, or the code it broke with. */
function connectionsOf(peer: ForeignProcess): string[] {
  const words: string[] = [];
  let word = "taken";
  for (const { event, hex, code } of peer.events) {
    if (event === "data" && String(hex).includes(toHex('{"refused"'))) word = "refused";
    if (event === "error") word = String(code);
    if (event === "close") {
      words.push(word);
      word = "taken";
    }
  }
  return words;
}

function toHex(text: string): string {
  return new TextEncoder().encode(text).toHex();
}

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  const listen = (
    shown: Parameters<typeof listenAs>[0],
    options: Parameters<typeof listenAs>[1] = {},
  ): Promise<PeerListener> => listenAs(shown, { minTlsVersion: "TLSv1.2", ...options });
  /** Trusts the root, and lets the test see who was accepted. */
  const shown = { certificate: worker, trusts: [root] };

  Deno.test(`a session is refused once its certificate has expired (${version})`, async () => {
    const clock = new MovedClock();
    await using before = await listen(shown);
    await using after = await listen(shown, { clock });
    const brief = clientOf(root, Date.now() + 60_000);
    clock.advance(120_000);
    const words = await connectInTurn([
      { certificate: brief, at: before },
      { certificate: brief, at: after, resume: true },
    ], version);
    assert.deepEqual(words, ["taken", "refused"]);
  });

  Deno.test(`a session is refused where \`allow\` does not name its client (${version})`, async () => {
    await using wide = await listen(shown);
    await using narrow = await listen(shown, {
      allow: [parsePattern("spiffe://example.org/admin", { clients: true })],
    });
    const certificate = clientOf(root);
    const words = await connectInTurn([
      { certificate, at: wide },
      { certificate, at: narrow, resume: true },
    ], version);
    assert.deepEqual(words, ["taken", "refused"]);
  });

  Deno.test(`a session is refused after its client was denied, and a fresh handshake then gets through (${version})`, async () => {
    const observer = new RecordingObserver();
    const old = clientOf(root);
    const renewed = clientOf(root);
    const source = new TurnableSource(materialOf(shown));
    await using listener = await listen(source, {
      observer,
      onPeer: () => {
        source.turn(materialOf({ ...shown, denylist: denylistOf(old) }));
        return answering();
      },
    });
    const words = await connectInTurn([
      { certificate: old, at: listener },
      // The session is resumed, and the worker refuses the client that it restores …
      { certificate: renewed, at: listener, resume: true },
      // … the next offer to resume is rejected in the handshake,
      { certificate: renewed, at: listener, resume: true },
      // which makes a client forget the session: it is judged by the certificate that it has now.
      { certificate: renewed, at: listener },
    ], version);
    assert.equal(words[0], "taken");
    assert.equal(words[1], "refused");
    assert.notEqual(words[2], "taken");
    assert.notEqual(words[2], "refused");
    assert.equal(words[3], "taken");
    assert.equal(observer.of("peer.accepted").length, 2);
    const byUs = observer.of("handshake.refused").filter(({ side }) => side === "worker");
    assert.deepEqual(byUs.map(({ reason }) => reason), ["certificate-denied"]);
  });

  Deno.test(`a session of a client that is still trusted is resumed and judged again (${version})`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listen(shown, { observer });
    const certificate = clientOf(root);
    const words = await connectInTurn([
      { certificate, at: listener },
      { certificate, at: listener, resume: true },
    ], version);
    assert.deepEqual(words, ["taken", "taken"]);
    const accepted = observer.of("peer.accepted");
    assert.deepEqual(accepted.map(({ resumed }) => resumed), [false, true]);
    assert.equal(accepted[1]?.peer.identity, CLIENT_ID);
  });
}
