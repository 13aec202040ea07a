/**
 * What a client sent to resume its session, sent again by someone who saw it on the wire: verbatim, in part, and with
 * octets changed. In TLS 1.2 the ticket itself travels in the clear (RFC 5077 §3.3).
 */
import assert from "node:assert/strict";
import { makeAuthorities, makeCertificate } from "../support/certificates.ts";
import { CLIENT_ID, listenAs, WORKER_ID } from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { ForeignProcess } from "./foreign_process.ts";

const { root } = makeAuthorities();
const worker = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });
const client = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: root });
/** Places in a ClientHello that are changed, one at a time. */
const PLACES = 24;

/** Passes connections on to a port, and keeps what each client has sent. */
function relayTo(port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const sent: Uint8Array[][] = [];
  const passing: Promise<void>[] = [];
  const pass = async (inward: Deno.TcpConn) => {
    const outward = await Deno.connect({ hostname: "127.0.0.1", port });
    const chunks: Uint8Array[] = [];
    sent.push(chunks);
    const keep = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        chunks.push(chunk.slice());
        controller.enqueue(chunk);
      },
    });
    await Promise.allSettled([
      inward.readable.pipeThrough(keep).pipeTo(outward.writable),
      outward.readable.pipeTo(inward.writable),
    ]);
  };
  const accepting = (async () => {
    for await (const connection of listener) passing.push(pass(connection));
  })();
  return {
    port: listener.addr.port,
    /** What each client has sent, once all have left. */
    async end(): Promise<readonly Uint8Array<ArrayBuffer>[]> {
      listener.close();
      await accepting;
      await Promise.all(passing);
      return sent.map((chunks) => new Uint8Array(chunks.flatMap((chunk) => [...chunk])));
    },
  };
}

/** Sends octets on a connection of its own, and reads to its end. */
async function replay(port: number, octets: Uint8Array): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const chunk = new Uint8Array(64 * 1024);
  try {
    for (let at = 0; at < octets.length;) at += await connection.write(octets.subarray(at));
    await connection.closeWrite();
    while (await connection.read(chunk) !== null);
  } catch {
    // The worker has cut it off.
  }
}

for (const version of ["TLSv1.3", "TLSv1.2"] as const) {
  Deno.test(`a worker accepts nobody who sends again what resumed a session (${version})`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs({ certificate: worker, trusts: [root] }, {
      minTlsVersion: "TLSv1.2",
      observer,
    });
    assert.ok(listener.address.kind === "tcp");
    const { port } = listener.address;
    const relay = relayTo(port);
    {
      const step = {
        cert: client.chainPem,
        key: client.keyPem,
        port: relay.port,
        leaveOnData: true,
      };
      await using peer = new ForeignProcess("foreign_client.mjs", {
        ca: root.pem,
        maxVersion: version,
        steps: [step, { ...step, resume: true }],
      });
      await peer.done();
    }
    const [fresh, resumed] = await relay.end();
    assert.ok(fresh !== undefined && resumed !== undefined);
    assert.deepEqual(observer.of("peer.accepted").map(({ resumed }) => resumed), [false, true]);

    const hello = 5 + ((resumed[3]! << 8) | resumed[4]!);
    const replays = [fresh, resumed, resumed.subarray(0, hello)];
    for (let place = 0; place < PLACES; place++) {
      const changed = resumed.slice();
      const at = 9 + Math.floor(place * (hello - 9) / PLACES);
      changed[at] = changed[at]! ^ 0x55;
      replays.push(changed);
    }
    // The hello of the session, and what proved the certificate in the first handshake.
    const freshHello = 5 + ((fresh[3]! << 8) | fresh[4]!);
    replays.push(
      new Uint8Array([...resumed.subarray(0, hello), ...fresh.subarray(freshHello)]),
      new Uint8Array([...fresh.subarray(0, freshHello), ...resumed.subarray(hello)]),
    );
    for (const octets of replays) await replay(port, octets);
    // Connections are accepted in order: once this one is judged, so are those before it.
    await observer.until("handshake.refused");
    assert.equal(observer.of("peer.accepted").length, 2);
  });
}
