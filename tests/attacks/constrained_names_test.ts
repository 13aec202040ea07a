/** Names outside of what their authority may vouch for (RFC 5280 §4.2.1.10), shown to both ends by Deno and Node. */
import assert from "node:assert/strict";
import { commonName, extension } from "../../src/credentials/certificate_writer.ts";
import { sequence, tagged } from "../../src/credentials/der_writer.ts";
import { parsePattern } from "../../src/identity/mod.ts";
import {
  makeAuthorities,
  makeCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from "../support/certificates.ts";
import {
  callOnce,
  CLIENT_ID,
  dialAs,
  handshakeErrorOf,
  listenAs,
  type Shown,
  WORKER_ID,
} from "../support/peers.ts";
import { RecordingObserver } from "../support/recording_observer.ts";
import { ForeignProcess } from "./foreign_process.ts";

const { root } = makeAuthorities();
const worker = makeCertificate({ names: [{ uri: WORKER_ID }], issuer: root });
const client = makeCertificate({ names: [{ uri: CLIENT_ID }], issuer: root });
const PREFACE = btoa("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");

type Names = NonNullable<TestCertificateOptions["names"]>;

/** What an authority may vouch for, a peer within, and a peer without. */
interface Row {
  readonly what: string;
  readonly constraints: Uint8Array;
  /** The names of a peer, and the pattern that expects it; absent where the platform takes nobody. */
  readonly within?: readonly [Names, string];
  readonly outside: readonly [Names, string];
  /** Common name of the subject without. Default `test`. */
  readonly outsideSubject?: string;
}

const permitted = (...bases: readonly Uint8Array[]) => constraining(0xa0, bases);
const excluded = (...bases: readonly Uint8Array[]) => constraining(0xa1, bases);

function constraining(tag: number, bases: readonly Uint8Array[]): Uint8Array {
  const trees = tagged(tag, ...bases.map((base) => sequence(base)));
  return extension("2.5.29.30", true, sequence(trees));
}

const dns = (name: string): Uint8Array => tagged(0x82, new TextEncoder().encode(name));
const ip = (...addressAndMask: number[]): Uint8Array =>
  tagged(0x87, Uint8Array.from(addressAndMask));
const directory = (name: string): Uint8Array => tagged(0xa4, commonName(name));

/** 10.0.0.0/8 and fd00::/8. */
const TEN = ip(10, 0, 0, 0, 255, 0, 0, 0);
const PRIVATE_V6 = ip(0xfd, ...new Array(15).fill(0), 0xff, ...new Array(15).fill(0));

const ROWS: readonly Row[] = [
  {
    what: "a DNS name that is not permitted",
    constraints: permitted(dns("pool.internal")),
    within: [[{ dns: "a.pool.internal" }], "a.pool.internal"],
    outside: [[{ dns: "a.notpool.internal" }], "a.notpool.internal"],
  },
  {
    what: "a DNS name that is excluded",
    constraints: excluded(dns("secret.pool.internal")),
    within: [[{ dns: "a.pool.internal" }], "a.pool.internal"],
    outside: [[{ dns: "a.secret.pool.internal" }], "a.secret.pool.internal"],
  },
  {
    what: "a DNS name that is permitted beside one that is not",
    constraints: permitted(dns("pool.internal")),
    within: [[{ dns: "a.pool.internal" }, { dns: "b.pool.internal" }], "a.pool.internal"],
    outside: [[{ dns: "a.pool.internal" }, { dns: "b.example" }], "a.pool.internal"],
  },
  {
    what: "an IPv4 address that is not permitted",
    constraints: permitted(TEN),
    within: [[{ ip: "10.1.2.3" }], "10.1.2.3"],
    outside: [[{ ip: "11.1.2.3" }], "11.1.2.3"],
  },
  {
    what: "an IPv4 address that is excluded",
    constraints: excluded(TEN),
    within: [[{ ip: "11.1.2.3" }], "11.1.2.3"],
    outside: [[{ ip: "10.1.2.3" }], "10.1.2.3"],
  },
  {
    what: "an IPv6 address that is not permitted",
    constraints: permitted(PRIVATE_V6),
    within: [[{ ip: "fd00::1" }], "fd00::1"],
    outside: [[{ ip: "fc00::1" }], "fc00::1"],
  },
  {
    what: "an IPv6 address where only IPv4 ones are permitted",
    constraints: permitted(TEN),
    within: [[{ ip: "10.1.2.3" }], "10.1.2.3"],
    outside: [[{ ip: "fd00::1" }], "fd00::1"],
  },
  {
    what: "a subject that is excluded",
    // The platform cannot judge subjects, and refuses everyone under such an authority.
    constraints: excluded(directory("outsider")),
    outside: [[{ dns: "a.pool.internal" }], "a.pool.internal"],
    outsideSubject: "outsider",
  },
];

for (const { what, constraints, within, outside, outsideSubject = "test" } of ROWS) {
  const issuer = makeCertificate({
    name: "constrained",
    authority: 0,
    issuer: root,
    extensions: [constraints],
  });
  const outsider = makeCertificate({ names: outside[0], issuer, name: outsideSubject });
  const { chainPem: cert, keyPem: key } = outsider;
  const asWorker = { expected: [parsePattern(outside[1])] };
  const asClient = { allow: [parsePattern(outside[1], { clients: true })] };

  if (within !== undefined) {
    Deno.test(`peers within their authority's names call each other, for ${what}`, async () => {
      const [names, pattern] = within;
      const shown = shownBy(makeCertificate({ names, issuer }));
      const allow = [parsePattern(pattern, { clients: true })];
      await using listener = await listenAs(shown, { allow });
      const peer = await dialAs(shown, listener.address, { expected: [parsePattern(pattern)] });
      assert.equal(await callOnce(peer), "complete");
      await peer.connection.shutdown();
    });
  }

  Deno.test(`a dispatcher writes nothing to a worker that shows ${what}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs(shownBy(outsider), { observer });
    const error = await handshakeErrorOf(dialAs(shownBy(client), listener.address, asWorker));
    assert.equal(error.reason, "certificate-unsuitable", error.message);
    assert.equal(error.evidence.rule, "path.name-constraints");
    assert.equal((await observer.until("handshake.refused"))[0]?.side, "dispatcher");
    assert.deepEqual(observer.of("peer.accepted"), []);
  });

  Deno.test(`a dispatcher writes nothing to a Node server that shows ${what}`, async () => {
    await using server = new ForeignProcess("foreign_server.mjs", {
      cert,
      key,
      ca: root.pem,
      requestCert: true,
    });
    const { port } = await server.until("listening");
    const address = { kind: "tcp", host: "127.0.0.1", port: Number(port) } as const;
    const error = await handshakeErrorOf(dialAs(shownBy(client), address, asWorker));
    assert.equal(error.reason, "certificate-unsuitable", error.message);
    assert.equal(error.evidence.rule, "path.name-constraints");
    assert.deepEqual(server.of("data"), []);
  });

  Deno.test(`a worker parses nothing of a client that shows ${what}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs(shownBy(worker), { ...asClient, observer });
    const error = await handshakeErrorOf(dialAs(shownBy(outsider), listener.address));
    assert.equal(error.reason, "client-certificate-refused", error.message);
    assert.equal(error.peerReason, "certificate-unsuitable");
    await assertRefusedByConstraints(observer);
  });

  Deno.test(`a worker parses nothing of a Node client that shows ${what}`, async () => {
    const observer = new RecordingObserver();
    await using listener = await listenAs(shownBy(worker), { ...asClient, observer });
    assert.ok(listener.address.kind === "tcp");
    await using node = new ForeignProcess("foreign_client.mjs", {
      cert,
      key,
      ca: root.pem,
      port: listener.address.port,
      steps: [{ send: PREFACE }],
    });
    await node.done();
    await assertRefusedByConstraints(observer);
  });
}

function shownBy(certificate: TestCertificate): Shown {
  return { certificate, trusts: [root] };
}

async function assertRefusedByConstraints(observer: RecordingObserver): Promise<void> {
  const [refused, ...more] = await observer.until("handshake.refused");
  assert.equal(refused?.side, "worker");
  assert.equal(refused.reason, "certificate-unsuitable");
  assert.equal(refused.evidence.rule, "path.name-constraints");
  assert.deepEqual(more, []);
  assert.deepEqual(observer.of("peer.accepted"), []);
}
