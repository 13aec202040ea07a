import assert from "node:assert/strict";
import { parsePattern } from "../../src/identity/mod.ts";
import { type Clock, systemClock } from "../../src/observe/mod.ts";
import { makeAuthorities, makeCertificate } from "../support/certificates.ts";
import { listenAs } from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { CLIENT_ID, descriptors, type EchoWorker, SERVER_ID } from "./ground.ts";
import { NODE } from "./node_program.ts";
import { testWithTool, type Tool } from "./tool.ts";

/** What the user of a refused client reads, for each way to be refused. */
export interface RefusedTexts {
  /** Where its identity is not allowed. */
  readonly notAllowed: RegExp;
  /** Where its certificate is of an authority that the listener does not trust. */
  readonly foreign: RegExp;
}

/** Starts a client that answers `echo` with the failure that its user reads. */
export type StartRefused = (config: EchoWorker["config"]) => Promise<RefusedClient>;

/** A client that is refused. */
export interface RefusedClient extends AsyncDisposable {
  /** Makes a call; gives its failure. */
  ask<Answer>(what: string, about: Readonly<Record<string, unknown>>): Promise<Answer>;
}

/** Calls that a refused client makes one after the other. */
const CALLS = 2;
/** Handshakes that a call may cost; with the reason in the first flight it was up to 174. */
const HANDSHAKES_A_CALL = 4;

/** Ten times slower, so that the pause before the reason is long enough for a client on a busy machine. */
const patient: Clock = {
  now: () => systemClock.now(),
  steady: () => systemClock.steady(),
  schedule: (callback, delayMs, options) => systemClock.schedule(callback, 10 * delayMs, options),
};

const { root, foreign } = makeAuthorities();
const server = makeCertificate({
  names: [{ uri: SERVER_ID }, { dns: "localhost" }, { ip: "127.0.0.1" }],
  issuer: root,
});

/** Shows what a refused client's user reads, and that each call costs the listener few handshakes. */
export function testRefusedClient(
  name: string,
  start: StartRefused,
  texts: RefusedTexts,
  tool: Tool = NODE,
): void {
  const ways = [
    ["that is not allowed", root, "spiffe://example.org/client/other", texts.notAllowed],
    ["with a foreign certificate", foreign, CLIENT_ID, texts.foreign],
  ] as const;
  for (const [how, issuer, allowed, text] of ways) {
    testWithTool(tool, `${name} ${how} reports what the worker says, and backs off`, async () => {
      const observer = new RecordingObserver();
      await using listener = await listenAs({ certificate: server, trusts: [root] }, {
        allow: [parsePattern(allowed, { clients: true })],
        clock: patient,
        observer,
        onPeer: () => assert.fail("the client was accepted"),
      });
      assert.ok(listener.address.kind === "tcp");
      const { pem: cert, keyPem: key } = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer });
      const { port } = listener.address;
      await using client = await start({ ca: root.pem, cert, key, port, descriptors });
      for (let call = 1; call <= CALLS; call += 1) {
        const { failure } = await client.ask<Refused>("echo", { text: "let me in" });
        assert.match(failure?.message ?? "the call succeeded", text);
        const handshakes = observer.of("handshake.refused").length;
        assert.ok(handshakes >= 1 && handshakes <= call * HANDSHAKES_A_CALL, `${handshakes}`);
      }
    });
  }
}

interface Refused {
  readonly failure?: { readonly message: string };
}
