import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { assemble } from "../credentials/mod.ts";
import { X509SVIDResponseSchema } from "../gen/spiffe/mod.ts";
import { judgePeer, parsePattern } from "../identity/mod.ts";
import { makeCertificate } from "../../tests/support/certificates.ts";
import { joined } from "../values/mod.ts";
import { makeDomain, svid, type SvidResponse } from "../../tests/spiffe/fake_agent.ts";
import type { SvidChoice } from "./svid_choice.ts";
import { readSvids } from "./svid_response.ts";

const example = makeDomain("example.org");
const partner = makeDomain("partner.test");
const worker = svid(example, "worker");

function read(response: SvidResponse, choice: SvidChoice = {}) {
  return readSvids(create(X509SVIDResponseSchema, response), choice);
}

function usable(response: SvidResponse, choice: SvidChoice = {}) {
  const found = read(response, choice);
  assert.equal(found.kind, "read");
  const assembled = assemble(found.pem, Date.now());
  assert.equal(assembled.kind, "usable");
  return { ...assembled.material, untrusted: found.untrusted };
}

function refused(response: SvidResponse, choice: SvidChoice = {}) {
  const found = read(response, choice);
  assert.equal(found.kind, "rejected");
  return { reason: found.reason, setting: found.setting, message: found.message };
}

Deno.test("readSvids() takes the first identity, its chain, key and bundle", () => {
  const intermediate = makeCertificate({
    name: "intermediate",
    authority: 0,
    issuer: example.root,
  });
  const first = svid(example, "worker", { issuer: intermediate });
  const { own, anchors, mode } = usable({ svids: [first, svid(example, "other")] });
  assert.equal(mode, "mutual");
  assert.deepEqual(own?.summary.names, ["spiffe://example.org/worker"]);
  assert.deepEqual(own?.chain.map((der) => [...der]), [
    [...first.certificate.der],
    [...intermediate.der],
  ]);
  assert.deepEqual(anchors?.all.map(({ der }) => [...der]), [[...example.root.der]]);
});

Deno.test("readSvids() takes the identity of the ID or the hint that is asked for", () => {
  const svids = [worker, svid(example, "edge", { hint: "external" }), svid(example, "b")];
  const chosen = (choice: SvidChoice) => usable({ svids }, choice).own?.summary.names[0];
  assert.equal(chosen({ id: "spiffe://example.org/b" }), "spiffe://example.org/b");
  assert.equal(chosen({ hint: "external" }), "spiffe://example.org/edge");
  assert.equal(
    chosen({ hint: "external", id: "spiffe://example.org/edge" }),
    "spiffe://example.org/edge",
  );
});

Deno.test("readSvids() names what is given where what is asked for is not", () => {
  assert.deepEqual(refused({ svids: [worker] }, { hint: "external" }), {
    reason: "incomplete",
    setting: "provider",
    message: 'it gives no identity of the hint "external", but spiffe://example.org/worker',
  });
  assert.equal(
    refused({ svids: [] }).message,
    "it gives no identity at all, but none",
  );
});

Deno.test("readSvids() refuses identities that are incomplete, torn or not what they say", () => {
  const { x509Svid } = worker;
  const domainItself = makeCertificate({
    names: [{ uri: "spiffe://example.org" }],
    issuer: example.root,
  });
  const cases: [string, Partial<typeof worker>, RegExp][] = [
    ["no ID", { spiffeId: "" }, /is not a workload's SPIFFE ID/],
    ["no path", { spiffeId: "spiffe://example.org", x509Svid: domainItself.der }, /not a workload/],
    ["other ID", { spiffeId: "spiffe://example.org/admin" }, /does not bear that ID/],
    ["no chain", { x509Svid: new Uint8Array(0) }, /empty or not DER/],
    ["torn chain", { x509Svid: x509Svid.subarray(0, x509Svid.length - 1) }, /empty or not DER/],
    [
      "not a certificate",
      { x509Svid: new Uint8Array([0x30, 0]) },
      /spiffe:\/\/example\.org\/worker/,
    ],
    ["no key", { x509SvidKey: new Uint8Array(0) }, /without its private key/],
    ["no bundle", { bundle: new Uint8Array(0) }, /bundle of example\.org is empty/],
    ["torn bundle", { bundle: example.root.der.subarray(1) }, /bundle of example\.org is not DER/],
  ];
  for (const [what, change, message] of cases) {
    assert.match(refused({ svids: [{ ...worker, ...change }] }).message, message, what);
  }
});

Deno.test("readSvids() leaves a foreign key and a garbled one to be refused when assembled", () => {
  const other = svid(example, "other");
  for (
    const [x509SvidKey, reason] of [
      [other.x509SvidKey, "key-mismatch"],
      [new Uint8Array([0x30, 3, 1, 2, 3]), "malformed"],
    ] as const
  ) {
    const found = read({ svids: [{ ...worker, x509SvidKey }] });
    assert.equal(found.kind, "read");
    const assembled = assemble(found.pem, Date.now());
    assert.notEqual(assembled.kind, "usable");
    if (assembled.kind === "own-invalid") assert.equal(assembled.rejected.reason, reason);
    if (assembled.kind === "rejected") assert.equal(assembled.reason, reason);
  }
});

Deno.test("readSvids() lets a federated root vouch for its own domain and nothing else", () => {
  const { anchors, untrusted } = usable({
    svids: [worker],
    federatedBundles: { "spiffe://partner.test": partner.root.der },
  });
  assert.ok(anchors !== undefined);
  assert.deepEqual(untrusted, []);
  const judged = (uri: string, issuer = partner.root) => {
    const { der } = makeCertificate({ names: [{ uri }, { dns: "db.internal" }], issuer });
    const expected = ["spiffe://partner.test/**", "spiffe://example.org/**", "dns:db.internal"]
      .map((pattern) => parsePattern(pattern));
    return judgePeer([der], { role: "server", anchors, expected, now: Date.now() });
  };
  const theirs = judged("spiffe://partner.test/db");
  assert.ok(theirs.trusted);
  assert.deepEqual(theirs.identity.names, ["spiffe://partner.test/db"]);
  assert.ok(judged("spiffe://example.org/db", example.root).trusted);
  for (
    const forged of [
      judged("spiffe://example.org/admin"),
      judged("spiffe://third.test/db"),
      judged("spiffe://partner.test/db", example.root),
    ]
  ) {
    assert.ok(!forged.trusted);
  }
});

Deno.test("readSvids() leaves out one federated domain whose bundle is unusable, and says so", () => {
  const { anchors, untrusted } = usable({
    svids: [worker],
    federatedBundles: {
      "spiffe://partner.test": partner.root.der,
      "spiffe://torn.test": partner.root.der.subarray(0, 40),
      "spiffe://empty.test": new Uint8Array(0),
      "spiffe://old.test": makeCertificate({ version: 1, authority: true }).der,
      "spiffe://example.org": partner.root.der,
      "spiffe://with.path/x": partner.root.der,
      "bare.test": partner.root.der,
      "evil\n.test": partner.root.der,
    },
  });
  assert.deepEqual(anchors?.all.map(({ der }) => [...der]), [
    [...example.root.der],
    [...partner.root.der],
  ]);
  const whose = untrusted.map(({ message }) => /bundle of (\S+?):? /.exec(message)?.[1]);
  assert.deepEqual(whose, [
    "bare.test",
    "evil\\n.test",
    "spiffe://empty.test",
    "spiffe://example.org",
    "spiffe://old.test",
    "spiffe://torn.test",
    "spiffe://with.path/x",
  ]);
});

Deno.test("readSvids() skips one odd certificate of a federated bundle, and keeps the domain", () => {
  const odd = makeCertificate({ version: 1, authority: true });
  const bundle = Uint8Array.of(...odd.der, ...partner.root.der);
  const { anchors, untrusted } = usable({
    svids: [worker],
    federatedBundles: { "spiffe://partner.test": bundle },
  });
  assert.deepEqual(anchors?.all.map(({ der }) => [...der]), [
    [...example.root.der],
    [...partner.root.der],
  ]);
  assert.deepEqual(untrusted.map(({ message }) => message), [
    "the federated bundle of spiffe://partner.test: certificate 0: it is X.509 v1, not v3; it is skipped",
  ]);
});

Deno.test("readSvids() makes the same of the same whatever order it arrives in", () => {
  const third = makeDomain("third.test");
  const bundles = Object.entries({
    "spiffe://partner.test": joined([partner.root.der]),
    "spiffe://third.test": third.root.der,
  });
  const [one, other] = [bundles, bundles.toReversed()].map((entries) =>
    usable({ svids: [worker], federatedBundles: Object.fromEntries(entries) }).fingerprint
  );
  assert.equal(one, other);
});
