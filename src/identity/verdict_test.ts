import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
  der,
  extension,
  forge,
  type Forged,
  general,
  type Keys,
  newKeys,
  OID,
  oid,
} from "../../tests/support/forge.ts";
import {
  DAY,
  HOUR,
  judge,
  leaf,
  read,
  refused,
  root,
  trustedName,
  trusting,
  WORKER,
} from "../../tests/support/judging.ts";
import { Denylist } from "./denylist.ts";
import { peerReasonOf } from "./verdict.ts";

const foreign = forge({ subject: "foreign", authority: true });

Deno.test("judgePeer() trusts a leaf of an anchor under the name it has", () => {
  const verdict = judge([leaf()]);
  assert(verdict.trusted);
  assert.equal(verdict.identity.name, WORKER);
  assert.equal(verdict.identity.spiffeId?.trustDomain, "example.org");
  assert.equal(verdict.matched.text, WORKER);
  assert.equal(verdict.path.length, 2);
  assert.deepEqual(verdict.path[1]?.der, root.der);
});

Deno.test("judgePeer() is valid until the first certificate of the path ends", () => {
  const soon = Math.floor(Date.now() / 1000) * 1000 + 60_000;
  const between = forge({ subject: "between", authority: true, issuer: root, notAfter: soon });
  const verdict = judge([leaf({ issuer: between }), between]);
  assert(verdict.trusted);
  assert.equal(verdict.validUntil, soon + 999);
});

Deno.test("judgePeer() trusts a chain that brings its root along, and one in any order", () => {
  const a = forge({ subject: "a", authority: true, issuer: root });
  const b = forge({ subject: "b", authority: true, issuer: a });
  const peer = leaf({ issuer: b });
  assert(judge([peer, b, a, root]).trusted);
  assert(judge([peer, a, root, b]).trusted);
});

Deno.test("judgePeer() finds the way through cross-signed authorities", () => {
  const keys = newKeys();
  const crossed = forge({ subject: "ca", authority: true, issuer: foreign, keys });
  const ours = forge({ subject: "ca", authority: true, issuer: root, keys });
  const peer = leaf({ issuer: ours });
  assert(judge([peer, crossed, ours]).trusted);
  assert(judge([peer, crossed, ours], { anchors: trusting(foreign) }).trusted);
  assert.equal(refused(judge([peer, crossed])).rule, "path.no-issuer");
});

Deno.test("judgePeer() trusts an anchor that is cross-signed by a stranger, as an anchor", () => {
  const keys = newKeys();
  const anchor = forge({ subject: "ca", authority: true, keys });
  const crossed = forge({ subject: "ca", authority: true, issuer: foreign, keys });
  assert(judge([leaf({ issuer: anchor }), crossed], { anchors: trusting(anchor) }).trusted);
});

Deno.test("judgePeer() passes over what is presented and no path needs, whatever it is", () => {
  const strays = [Uint8Array.of(1, 2, 3), Uint8Array.of(0x30), ...new Array(8).fill(foreign)];
  assert(judge([leaf(), ...strays]).trusted);
});

type Row = readonly [what: string, chain: () => readonly (Forged | Uint8Array)[], rule: string];

const UNTRUSTED: readonly Row[] = [
  ["a leaf of a foreign authority", () => [forge({ issuer: foreign })], "path.no-issuer"],
  ["a foreign chain with its root", () => [forge({ issuer: foreign }), foreign], "path.no-issuer"],
  ["a self-signed leaf", () => [forge()], "path.self-signed"],
  ["an expired leaf of a stranger", () => [
    forge({ issuer: foreign, notAfter: Date.now() - HOUR, notBefore: Date.now() - DAY }),
  ], "path.no-issuer"],
  [
    "a leaf of a namesake of the anchor",
    () => [leaf({ issuer: forge({ subject: "root", authority: true }) })],
    "path.signature",
  ],
  [
    "a leaf signed by another key",
    () => [leaf({ signedBy: newKeys().privateKey })],
    "path.signature",
  ],
  ["a missing intermediate", () => [
    leaf({ issuer: forge({ subject: "between", authority: true, issuer: root }) }),
  ], "path.no-issuer"],
  ["a version 1 intermediate of the anchor", () => {
    const old = forge({ subject: "between", issuer: root, version: 0 });
    return [leaf({ issuer: old }), old];
  }, "certificate.version"],
  ["an intermediate with a byte too many", () => {
    const between = forge({ subject: "between", authority: true, issuer: root });
    return [leaf({ issuer: between }), Uint8Array.of(...between.der, 0)];
  }, "der.trailing"],
  ["authorities that sign each other and nothing else", () => {
    const [a, b] = [newKeys(), newKeys()];
    const ofA = { subject: "a", keys: a, der: new Uint8Array() };
    const ofB = { subject: "b", keys: b, der: new Uint8Array() };
    const aByB = forge({ subject: "a", authority: true, keys: a, issuer: ofB });
    const bByA = forge({ subject: "b", authority: true, keys: b, issuer: ofA });
    return [leaf({ issuer: aByB }), aByB, bByA];
  }, "path.no-issuer"],
];

for (const [what, chain, rule] of UNTRUSTED) {
  Deno.test(`judgePeer() calls ${what} untrusted-authority`, () => {
    const { reason, rule: broken, evidence } = refused(judge(chain()));
    assert.deepEqual([reason, broken], ["untrusted-authority", rule]);
    assert.deepEqual(evidence.anchors?.map(({ subject }) => subject), ["CN=root"]);
  });
}

const UNSUITABLE: readonly Row[] = [
  ["a version 1 leaf of the anchor", () => [leaf({ version: 0 })], "certificate.version"],
  ["no digitalSignature", () => [leaf({ keyUsage: 0x20 })], "leaf.key-usage"],
  ["a leaf that may sign certificates", () => [leaf({ keyUsage: 0x84 })], "leaf.key-usage"],
  ["a leaf for clients only", () => [leaf({ purposes: [OID.clientAuth] })], "leaf.purpose"],
  ["an authority as a leaf", () => [
    leaf({ authority: true, keyUsage: 0x84, names: [general.uri(WORKER)] }),
  ], "leaf.authority"],
  ["a leaf that constrains names", () => [
    leaf({ constraints: { permitted: [general.dns("a.b")] } }),
  ], "leaf.constraints"],
  ["a SPIFFE ID beside another URI", () => [
    leaf({ names: [general.uri(WORKER), general.uri("https://example.org")] }),
  ], "san.several-uris"],
  ["a SPIFFE ID beside a misspelt URI", () => [
    leaf({ names: [general.uri(WORKER), general.uri("/worker")] }),
  ], "san.several-uris"],
  ["a misspelt SPIFFE ID", () => [
    leaf({ names: [general.uri("spiffe://Example.org/worker")] }),
  ], "san.spiffe-id"],
  ["a leaf that identifies another key than the one that signed it", () => {
    const other = forge({ subject: "root", authority: true });
    const keyIdentifier = der(0x30, der(0x80, [1, 2, 3]));
    return [leaf({
      issuer: { ...root, subject: other.subject },
      without: [OID.authorityKeyIdentifier],
      extensions: [extension(OID.authorityKeyIdentifier, false, keyIdentifier)],
    })];
  }, "path.key-identifier"],
  ["a trust domain's ID as a workload's", () => [
    leaf({ names: [general.uri("spiffe://example.org")] }),
  ], "svid.path"],
  ["a serial number of zero", () => [leaf({ serial: [0] })], "certificate.serial"],
  ["a negative serial number", () => [leaf({ serial: [0x80] })], "certificate.serial"],
  ["a serial number of 21 bytes", () => [
    leaf({ serial: [0, 0xff, ...new Array(19).fill(1)] }),
  ], "certificate.serial"],
  ["an intermediate without keyCertSign", () => {
    const between = forge({ subject: "between", authority: true, issuer: root, keyUsage: 0x02 });
    return [leaf({ issuer: between }), between];
  }, "authority.key-usage"],
  ["an intermediate that is no authority", () => {
    const between = forge({ subject: "between", issuer: root, keyUsage: 0x84, names: [] });
    return [leaf({ issuer: between }), between];
  }, "authority.not-one"],
  ["an intermediate for other purposes", () => {
    const purposes = ["1.3.6.1.5.5.7.3.4"];
    const between = forge({ subject: "between", authority: true, issuer: root, purposes });
    return [leaf({ issuer: between }), between];
  }, "authority.purpose"],
  ["an intermediate with an unknown critical extension", () => {
    const extensions = [extension("1.2.3.4", true, der(0x05))];
    const between = forge({ subject: "between", authority: true, issuer: root, extensions });
    return [leaf({ issuer: between }), between];
  }, "extension.unknown-critical"],
  ["more authorities than one of them allows", () => {
    const a = forge({ subject: "a", authority: true, issuer: root, pathLength: 0 });
    const b = forge({ subject: "b", authority: true, issuer: a });
    return [leaf({ issuer: b }), b, a];
  }, "path.length"],
  ["a signature that we cannot check", () => [
    leaf({ algorithm: der(0x30, oid("1.2.840.113549.1.1.10"), der(0x30)) }),
  ], "certificate.signature-algorithm"],
  ["nothing", () => [], "chain.empty"],
  ["an endless list of entries", () => [
    leaf(),
    ...new Array<Uint8Array>(600).fill(Uint8Array.of(0)),
  ], "chain.certificates"],
  ["33 KiB of chain", () => [
    leaf({ extensions: [extension("1.2.3.4", false, new Uint8Array(33 * 1024))] }),
  ], "chain.bytes"],
];

for (const [what, chain, rule] of UNSUITABLE) {
  Deno.test(`judgePeer() calls ${what} certificate-unsuitable`, () => {
    const { reason, rule: broken } = refused(judge(chain()));
    assert.deepEqual([reason, broken], ["certificate-unsuitable", rule]);
  });
}

Deno.test("judgePeer() names the signature algorithm that it cannot check", () => {
  const algorithm = der(0x30, oid("1.2.840.113549.1.1.10"), der(0x30));
  assert.match(refused(judge([leaf({ algorithm })])).evidence.found!, /RSASSA-PSS/);
});

Deno.test("judgePeer() asks nothing of the signature and the serial number of an anchor", () => {
  const algorithm = der(0x30, oid("1.2.840.113549.1.1.5"), der(0x05));
  const anchor = forge({ subject: "old", authority: true, algorithm, serial: [0] });
  assert(judge([leaf({ issuer: anchor })], { anchors: trusting(anchor) }).trusted);
});

const ECDSA = "1.2.840.10045.4.3.";
const RSA = "1.2.840.113549.1.1.";
const ALGORITHMS: readonly [string, () => Keys, string, string | null, Uint8Array | []][] = [
  ["P-384 with SHA-256", () => curve("P-384"), `${ECDSA}2`, "sha256", []],
  ["P-384 with SHA-384", () => curve("P-384"), `${ECDSA}3`, "sha384", []],
  ["P-256 with SHA-512", () => curve("P-256"), `${ECDSA}4`, "sha512", []],
  ["Ed25519", () => generateKeyPairSync("ed25519"), "1.3.101.112", null, []],
  ["RSA with SHA-256", () => rsa(), `${RSA}11`, "sha256", der(0x05)],
  ["RSA with SHA-384", () => rsa(), `${RSA}12`, "sha384", der(0x05)],
  ["RSA with SHA-512", () => rsa(), `${RSA}13`, "sha512", der(0x05)],
];

const curve = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve });
let rsaKeys: Keys | undefined;
const rsa = () => rsaKeys ??= generateKeyPairSync("rsa", { modulusLength: 2048 });

for (const [what, keysOf, id, digest, parameters] of ALGORITHMS) {
  Deno.test(`judgePeer() checks signatures of ${what}`, () => {
    const issuer = forge({ subject: "ca", authority: true, keys: keysOf(), digest });
    const asked = { anchors: trusting(issuer) };
    const algorithm = der(0x30, oid(id), parameters);
    assert(judge([leaf({ issuer, algorithm, digest })], asked).trusted);
    const other = digest === null
      ? leaf({ issuer: root, algorithm })
      : leaf({ issuer, algorithm, digest: "sha224" });
    assert(!judge([other], asked).trusted);
  });
}

Deno.test("judgePeer() counts no self-issued authority against a path length", () => {
  const a = forge({ subject: "a", authority: true, issuer: root, pathLength: 0 });
  const again = forge({ subject: "a", authority: true, issuer: a, pathLength: 0 });
  assert(judge([leaf({ issuer: again }), again, a]).trusted);
});

Deno.test("judgePeer() heeds the limit of authorities", () => {
  const a = forge({ subject: "a", authority: true, issuer: root });
  const chain = [leaf({ issuer: a }), a];
  assert(judge(chain, { limits: { intermediates: 1 } }).trusted);
  assert.equal(refused(judge(chain, { limits: { intermediates: 0 } })).rule, "path.intermediates");
});

Deno.test("judgePeer() tells an expired peer of a trusted authority by how much", () => {
  const end = Math.floor(Date.now() / 1000) * 1000;
  const old = leaf({ notBefore: end - DAY, notAfter: end });
  assert(judge([old], { now: end + 999 }).trusted);
  const { reason, evidence } = refused(judge([old], { now: end + 120_000 }));
  assert.equal(reason, "certificate-expired");
  assert.equal(evidence.clockOffBySeconds, -120);
  assert.equal(evidence.certificateIndex, 0);
  assert.equal(evidence.certificate?.notAfter, new Date(end).toISOString());
});

Deno.test("judgePeer() does not blame the clock for what a clock cannot explain", () => {
  const old = leaf({ notBefore: Date.now() - 10 * DAY, notAfter: Date.now() - 5 * DAY });
  assert.equal(refused(judge([old])).evidence.clockOffBySeconds, undefined);
});

Deno.test("judgePeer() tells a peer that is not valid yet, to the millisecond", () => {
  const begin = Math.floor(Date.now() / 1000) * 1000 + 60_000;
  const early = leaf({ notBefore: begin });
  const { reason, evidence } = refused(judge([early], { now: begin - 1 }));
  assert.equal(reason, "certificate-not-yet-valid");
  assert.equal(evidence.clockOffBySeconds, 1);
  assert(judge([early], { now: begin }).trusted);
});

Deno.test("judgePeer() refuses under an expired anchor, and an expired intermediate", () => {
  const dates = { notBefore: Date.now() - DAY, notAfter: Date.now() - HOUR };
  const old = forge({ subject: "old root", authority: true, ...dates });
  const verdict = refused(judge([leaf({ issuer: old })], { anchors: trusting(old) }));
  assert.equal(verdict.reason, "certificate-expired");
  assert.equal(verdict.evidence.certificateIndex, undefined);
  const between = forge({ subject: "between", authority: true, issuer: root, ...dates });
  const under = refused(judge([leaf({ issuer: between }), between]));
  assert.deepEqual([under.reason, under.evidence.certificateIndex], ["certificate-expired", 1]);
});

Deno.test("judgePeer() judges the purpose by the peer's role", () => {
  const client = leaf({ purposes: [OID.clientAuth] });
  assert(judge([client], { role: "client" }).trusted);
  assert.equal(refused(judge([client], { role: "server" })).rule, "leaf.purpose");
});

Deno.test("judgePeer() says which names were expected and which are there", () => {
  const { reason, rule, evidence } = refused(
    judge([leaf()], { expected: ["dns:a.b", "10.0.0.1"] }),
  );
  assert.deepEqual([reason, rule], ["identity-mismatch", "name.no-match"]);
  assert.deepEqual(evidence.expected, ["dns:a.b", "10.0.0.1"]);
  assert.deepEqual(evidence.presented, [WORKER]);
});

Deno.test("judgePeer() never falls back to the common name of a server", () => {
  const peer = leaf({ subject: "worker.pool.internal", names: [] });
  assert.equal(refused(judge([peer], { expected: "worker.pool.internal" })).rule, "name.none");
});

Deno.test("judgePeer() refuses a server whose common name is a host of its own only where it is strict", () => {
  const names = [general.dns("worker.pool.internal"), general.ip(10, 0, 0, 1)];
  const asked = { expected: "worker.pool.internal" };
  for (const subject of ["other.pool.internal", "Worker.pool.internal", "10.0.0.2", "0x0a000002"]) {
    const strict = { ...asked, mode: "strict" as const };
    assert.equal(refused(judge([leaf({ subject, names })], strict)).rule, "subject.common-name");
    assert(judge([leaf({ subject, names })], asked).trusted);
  }
  for (const subject of ["worker.pool.internal", "worker", "Worker 1.0 of pool", "10.0.0.1"]) {
    assert(judge([leaf({ subject, names })], asked).trusted);
  }
});

Deno.test("judgePeer() takes a client's common name only where a pattern asks for it", () => {
  const agent = leaf({ subject: "agent 7", names: [general.dns("agent.example")] });
  const asked = { role: "client" as const, expected: "cn:agent 7" };
  assert.equal(trustedName(judge([agent], asked)), "cn:agent 7");
  assert.equal(
    refused(judge([agent], { ...asked, expected: "cn:agent" })).reason,
    "identity-mismatch",
  );
});

Deno.test("peerReasonOf() tells a client that is not allowed no more than that", () => {
  const verdict = refused(
    judge([leaf()], { role: "client", expected: "spiffe://example.org/other" }),
  );
  assert.equal(peerReasonOf(verdict), "subject-not-allowed");
  assert.equal(peerReasonOf(refused(judge([forge()], { role: "client" }))), "untrusted-authority");
});

Deno.test("judgePeer() denies by SPIFFE ID, by serial and by key, authorities included", () => {
  const between = forge({
    subject: "between",
    authority: true,
    issuer: root,
    serial: [0x0a, 0xbc],
  });
  const peer = leaf({ issuer: between, serial: [0x77] });
  const deny = (denylist: Denylist) => judge([peer, between], { denylist });
  for (
    const entries of [
      { spiffeIds: [WORKER] },
      { serials: ["77"] },
      { serials: ["0A:BC"] },
      { spkiSha256: [read(between).publicKey.spkiSha256] },
    ]
  ) assert.equal(refused(deny(new Denylist(entries))).reason, "certificate-denied");
  assert(
    deny(new Denylist({ serials: ["78"], spiffeIds: ["spiffe://example.org/other"] })).trusted,
  );
});

Deno.test("judgePeer() answers anew when trust, the clock or the denylist changed", () => {
  const peer = leaf();
  const anchors = trusting(root);
  assert(judge([peer], { anchors }).trusted);
  assert.equal(
    refused(judge([peer], { anchors: trusting(foreign) })).reason,
    "untrusted-authority",
  );
  const later = Date.now() + 2 * HOUR;
  assert.equal(refused(judge([peer], { anchors, now: later })).reason, "certificate-expired");
  const denylist = new Denylist({ spiffeIds: [WORKER] });
  assert.equal(refused(judge([peer], { anchors, denylist })).reason, "certificate-denied");
  assert.equal(
    refused(judge([peer], { anchors, expected: "spiffe://example.org/b" })).reason,
    "identity-mismatch",
  );
});

Deno.test("judgePeer() checks a signature once a generation", () => {
  const peer = leaf();
  const anchors = trusting(root);
  // Room for reading, and for no check.
  const none = { limits: { work: 200 } };
  assert.equal(refused(judge([peer], { anchors, ...none })).rule, "path.work");
  assert(judge([peer], { anchors }).trusted);
  assert(judge([peer], { anchors, ...none }).trusted);
  assert.equal(
    refused(judge([peer], { anchors: trusting(root), ...none })).rule,
    "path.work",
  );
});

Deno.test("judgePeer() remembers no signature beyond its certificate's dates", () => {
  const peer = leaf({ notAfter: Date.now() + HOUR });
  const anchors = trusting(root);
  assert(judge([peer], { anchors }).trusted);
  const chain = [read(peer), read(root)] as const;
  assert(anchors.proven.has(...chain, Date.now()));
  assert(!anchors.proven.has(...chain, Date.now() + 2 * HOUR));
  assert(!anchors.proven.has(...chain, Date.now()));
});

Deno.test("judgePeer() gives up on a chain that takes more work than its limit", () => {
  const namesakes = Array.from({ length: 3 }, () => forge({ subject: "root", authority: true }));
  const a = forge({ subject: "a", authority: true, issuer: root });
  const chain = [leaf({ issuer: a }), a];
  const anchors = trusting(...namesakes, root);
  assert(judge(chain, { anchors }).trusted);
  const { rule } = refused(
    judge(chain, { anchors: trusting(...namesakes, root), limits: { work: 100 } }),
  );
  assert.equal(rule, "path.work");
});
