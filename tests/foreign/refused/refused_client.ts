import assert from "node:assert/strict";
import { parsePattern } from "../../../src/identity/mod.ts";
import { type Clock, systemClock } from "../../../src/observe/mod.ts";
import {
  makeAuthorities,
  makeCertificate,
  type TestCertificateOptions,
} from "../../support/certificates.ts";
import { listenAs } from "../../support/peers.ts";
import { RecordingObserver } from "../../support/recording_observer.ts";
import { CLIENT_ID, descriptors, type PeerPem, SERVER_ID } from "../ground.ts";
import { NODE } from "../node_program.ts";
import { testWithTool, type Tool } from "../tool.ts";

/** What the user of a refused client reads, given the word of the vocabulary that the worker says. */
export type RefusedText = (word: string) => RegExp;

/** Where a refused client calls, and as whom; without `cert` and `key` it shows no certificate. */
export type RefusedConfig = Pick<PeerPem, "ca"> & Partial<PeerPem> & {
  readonly port: number;
  readonly descriptors: string;
};

/** Starts a client that answers `echo` with the failure that its user reads. */
export type StartRefused = (config: RefusedConfig) => Promise<RefusedClient>;

/** A client that is refused. */
export interface RefusedClient extends AsyncDisposable {
  /** Makes a call; gives its failure. */
  ask<Answer>(what: string, about: Readonly<Record<string, unknown>>): Promise<Answer>;
}

/** What a test of a refused client may choose. */
export interface RefusedClientOptions {
  /** What the client runs on. Default: Node. */
  readonly tool?: Tool;
  /** Whether it is slow to start: then one runs at a time, and the reason waits longer. Default false. */
  readonly isSlow?: boolean;
  /** The reason in the worker's own event. Default: the word. */
  readonly reason?: string;
}

/** A way to be refused: the word, and what the client shows. */
interface Way {
  readonly how: string;
  readonly word: string;
  /** What differs from a good certificate; `undefined` where the client shows none. */
  readonly shows: TestCertificateOptions | undefined;
  /** Whom the listener allows. Default: the client's identity. */
  readonly allow?: string;
  /** Calls that the client makes one after the other. */
  readonly calls: number;
}

/** Handshakes that a call may cost; with the reason in the first flight it was up to 174. */
const HANDSHAKES_A_CALL = 4;
/** Factor of the pause before the reason: a client on a busy machine must have begun its call by then. */
const PAUSE_FACTOR = 20;
/** The same for a client that takes seconds to start. */
const SLOW_PAUSE_FACTOR = 60;
/** Factor of the limits of the listener, so that a busy machine does not reach them. */
const LIMIT_FACTOR = 10;
/** Delays of the listener below it are pauses before the reason, those above it limits, in milliseconds. */
const LONGEST_PAUSE_MS = 999;

const DAY_MS = 24 * 3_600_000;
const { root, foreign } = makeAuthorities();
const server = makeCertificate({
  names: [{ uri: SERVER_ID }, { dns: "localhost" }, { ip: "127.0.0.1" }],
  issuer: root,
});
const WAYS: readonly Way[] = [
  {
    how: "that is not allowed",
    word: "subject-not-allowed",
    shows: {},
    allow: "spiffe://example.org/client/other",
    calls: 2,
  },
  {
    how: "with a foreign certificate",
    word: "untrusted-authority",
    shows: { issuer: foreign },
    calls: 1,
  },
  {
    how: "with an expired certificate",
    word: "certificate-expired",
    shows: { notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS },
    calls: 1,
  },
  {
    how: "without a certificate",
    word: "client-certificate-required",
    shows: undefined,
    calls: 1,
  },
];

/** Shows what a refused client's user reads, for each way, and that each call costs the listener few handshakes. */
export function testRefusedClient(
  name: string,
  start: StartRefused,
  text: RefusedText,
  { tool = NODE, isSlow = false, reason }: RefusedClientOptions = {},
): void {
  const clock = patient(isSlow ? SLOW_PAUSE_FACTOR : PAUSE_FACTOR);
  testWithTool(
    tool,
    `${name} reports what a worker says that refuses it, and backs off`,
    async () => {
      const refused = (way: Way) => assertRefused(way, clock, start, text(way.word), reason);
      if (!isSlow) await Promise.all(WAYS.map(refused));
      else for (const way of WAYS) await refused(way);
    },
  );
}

async function assertRefused(
  way: Way,
  clock: Clock,
  start: StartRefused,
  text: RegExp,
  reason: string = way.word,
): Promise<void> {
  const observer = new RecordingObserver();
  await using listener = await listenAs({ certificate: server, trusts: [root] }, {
    allow: [parsePattern(way.allow ?? CLIENT_ID, { clients: true })],
    clock,
    observer,
    onPeer: () => assert.fail("the client was accepted"),
  });
  assert.ok(listener.address.kind === "tcp");
  const { port } = listener.address;
  await using client = await start({ ca: root.pem, ...pemOf(way), port, descriptors });
  for (let call = 1; call <= way.calls; call += 1) {
    const { failure } = await client.ask<Refused>("echo", { text: "let me in" });
    assert.match(failure?.message ?? `the call of a client ${way.how} succeeded`, text);
    const refusals = observer.of("handshake.refused");
    const cost = `${refusals.length} handshakes for ${call} calls of a client ${way.how}`;
    assert.ok(refusals.length >= 1 && refusals.length <= call * HANDSHAKES_A_CALL, cost);
    for (const refusal of refusals) assert.equal(refusal.reason, reason);
  }
}

/** A clock whose pauses before the reason, and whose limits, are longer than those of a worker. */
function patient(pauseFactor: number): Clock {
  return {
    now: () => systemClock.now(),
    steady: () => systemClock.steady(),
    schedule: (callback, delayMs, options) => {
      const factor = delayMs > LONGEST_PAUSE_MS ? LIMIT_FACTOR : pauseFactor;
      return systemClock.schedule(callback, factor * delayMs, options);
    },
  };
}

function pemOf({ shows }: Way): { readonly cert: string; readonly key: string } | undefined {
  if (shows === undefined) return undefined;
  const { pem, keyPem } = makeCertificate({
    names: [{ uri: CLIENT_ID }],
    issuer: root,
    ...shows,
  });
  return { cert: pem, key: keyPem };
}

interface Refused {
  readonly failure?: { readonly message: string };
}
