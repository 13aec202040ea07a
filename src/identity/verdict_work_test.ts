import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
  ascii,
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
import { judge, leaf, refused, root, trusting, WORKER } from "../../tests/support/judging.ts";
import type { Work } from "./certificate/work.ts";
import { DEFAULT_VERDICT_LIMITS } from "./path/limits.ts";
import { workOf } from "./verdict.ts";
import type { TrustAnchors } from "./path/trust_anchors.ts";

const p384 = (): Keys => generateKeyPairSync("ec", { namedCurve: "P-384" });

/** What judging a chain counts, within the default limit. */
function workOn(chain: readonly Forged[], anchors: TrustAnchors, onlyReason = false): Work {
  const work = workOf(DEFAULT_VERDICT_LIMITS, onlyReason);
  judge(chain, { anchors, work, onlyReason });
  return work;
}

const between = forge({ subject: "between", authority: true, issuer: root });
const ordinary = workOn([leaf({ issuer: between }), between], trusting(root)).spent;

const attribute = (value: Uint8Array) => der(0x30, oid("2.5.4.11"), der(0x0c, value));
/** A directory name of one attribute a relative name, as many as are read. */
const wideName = (value: Uint8Array) =>
  der(0xa4, der(0x30, ...Array.from({ length: 60 }, () => der(0x31, attribute(value)))));
/** Characters that a comparison makes longer. */
const ligatures = new TextEncoder().encode("ﬄ".repeat(100));

const COSTLY: readonly (readonly [string, () => readonly Forged[], TrustAnchors])[] = [
  ["names of many attributes under namesakes of the anchor", () => {
    const names = Array.from({ length: 10 }, (_, i) => wideName(ascii(`unit ${i}`)));
    const base = der(0x30, ...Array.from({ length: 60 }, () => der(0x31, attribute(ascii("a")))));
    const permitted = Array.from({ length: 5 }, () => der(0xa4, base));
    const namesake = () => forge({ subject: "root", authority: true, constraints: { permitted } });
    const chain = [namesake(), namesake(), namesake()];
    return [forge({ issuer: chain[0]!, names }), ...chain];
  }, trusting(root)],
  ["the same, signed by the anchor", () => {
    const names = Array.from({ length: 3 }, () => wideName(ligatures.subarray(0, 30)));
    const permitted = Array.from({ length: 2 }, () => wideName(ligatures.subarray(0, 30)));
    const narrow = forge({
      subject: "narrow",
      authority: true,
      issuer: root,
      constraints: { permitted },
    });
    return [leaf({ issuer: narrow, names }), narrow];
  }, trusting(root)],
  ["seven P-384 namesakes of the anchor", () => {
    const chain = Array.from(
      { length: 7 },
      () => forge({ subject: "root", authority: true, keys: p384() }),
    );
    return [forge({ issuer: chain[0]! }), ...chain];
  }, trusting(forge({ subject: "root", authority: true, keys: p384() }))],
  ["namesakes under many anchors of one name", () => {
    const chain = Array.from({ length: 7 }, () => forge({ subject: "root", authority: true }));
    return [forge({ issuer: chain[0]! }), ...chain];
  }, trusting(...Array.from({ length: 20 }, () => forge({ subject: "root", authority: true })))],
  ["many names under many constraints, signed", () => {
    const permitted = Array.from({ length: 400 }, (_, i) => general.dns(`d${i}.example`));
    const narrow = forge({
      subject: "narrow",
      authority: true,
      issuer: root,
      constraints: { permitted },
    });
    const names = Array.from({ length: 256 }, () => general.dns("d399.example"));
    return [leaf({ issuer: narrow, names }), narrow];
  }, trusting(root)],
  ["a leaf of as many bytes as are read", () => [
    leaf({ extensions: [extension("1.2.3.4", false, new Uint8Array(32_000))] }),
  ], trusting(root)],
];

for (const [what, chain, anchors] of COSTLY) {
  Deno.test(`judgePeer() does the work of four ordinary verdicts at most on ${what}`, () => {
    const shown = chain();
    const { spent } = workOn(shown, anchors);
    assert(spent <= 4 * ordinary, `${spent / ordinary} ordinary verdicts`);
    const onlyReason = workOn(shown, anchors, true).spent;
    assert(onlyReason <= 3 * ordinary, `${onlyReason / ordinary} ordinary verdicts`);
  });
}

Deno.test("judgePeer() compares no names of a chain that no anchor has signed", () => {
  const [, chain, anchors] = COSTLY[0]!;
  const { counts } = workOn(chain(), anchors);
  assert.equal(counts.attribute + counts.foldedByte + counts.comparison, 0);
});

Deno.test("judgePeer() folds an attribute once, however often it is compared", () => {
  const permitted = [general.directory("a"), general.directory("b"), general.directory("c")];
  const narrow = forge({
    subject: "narrow",
    authority: true,
    issuer: root,
    constraints: { permitted },
  });
  const peer = leaf({ issuer: narrow, subject: "c", names: [general.uri(WORKER)] });
  const { counts } = workOn([peer, narrow], trusting(root));
  assert.equal(counts.attribute, 4);
});

Deno.test("judgePeer() checks signatures from the anchor downwards", () => {
  const forged = forge({ subject: "forged", authority: true, issuerNamed: "root" });
  const below = forge({ subject: "below", authority: true, issuer: forged });
  const { counts } = workOn([leaf({ issuer: below }), below, forged], trusting(root));
  assert.equal(counts.signature, 440);
});

Deno.test("judgePeer() does the work of four ordinary verdicts at most for authorities whose signatures cost much", () => {
  const top = forge({ subject: "top", authority: true, keys: p384() });
  const permitted = Array.from({ length: 10 }, (_, i) => general.dns(`d${i}.example`));
  const constraints = { permitted };
  const [c, b, a] = ["a", "b", "c"].reduce<Forged[]>(
    (chain, subject) => [
      forge({ subject, authority: true, issuer: chain[0] ?? top, keys: p384(), constraints }),
      ...chain,
    ],
    [],
  ) as [Forged, Forged, Forged];
  let most = 0;
  for (let count = 0; count <= 256; count += 8) {
    const names = Array.from({ length: count }, () => general.dns("d9.example"));
    const shown = [leaf({ issuer: c, names: [general.uri(WORKER), ...names] }), c, b, a];
    for (const onlyReason of [false, true]) {
      most = Math.max(most, workOn(shown, trusting(top), onlyReason).spent / ordinary);
    }
  }
  assert(most > 3.6 && most <= 4, `${most} ordinary verdicts`);
});

const p521 = (): Keys => generateKeyPairSync("ec", { namedCurve: "P-521" });
const ECDSA_SHA384 = der(0x30, oid("1.2.840.10045.4.3.3"));

Deno.test("judgePeer() accepts a leaf under one P-521 intermediate, and under two with more work", () => {
  const signed = { algorithm: ECDSA_SHA384, digest: "sha384" };
  const authority = (subject: string, issuer?: Forged) =>
    forge({ subject, authority: true, keys: p521(), ...signed, ...(issuer && { issuer }) });
  const top = authority("top");
  const policy = authority("policy", top);
  const issuing = authority("issuing", policy);
  const isTrusted = (shown: readonly Forged[], work: number) => {
    const limits = { ...DEFAULT_VERDICT_LIMITS, work };
    return judge(shown, { anchors: trusting(top), work: workOf(limits, false) }).trusted;
  };
  assert(isTrusted([leaf({ issuer: policy, ...signed }), policy], DEFAULT_VERDICT_LIMITS.work));
  const shown = [leaf({ issuer: issuing, ...signed }), issuing, policy];
  assert(!isTrusted(shown, DEFAULT_VERDICT_LIMITS.work));
  assert(isTrusted(shown, 4_000));
});

const rsa = generateKeyPairSync("rsa", { modulusLength: 4096 });
/** Bytes. */
const LARGE = 700;
const RSA_SHA256 = der(0x30, oid("1.2.840.113549.1.1.11"), der(0x05));

for (
  const [kind, keysOf, algorithm] of [["P-384", p384], ["RSA-4096", () => rsa, RSA_SHA256]] as const
) {
  Deno.test(`judgePeer() trusts a leaf under a root and three intermediates of ${kind}`, () => {
    const signed = algorithm === undefined ? {} : { algorithm };
    const anchor = forge({ subject: "top", authority: true, keys: keysOf(), ...signed });
    let issuer = anchor;
    const chain: Forged[] = [];
    // As large as the certificates of a busy authority.
    const extensions = [extension("1.2.3.4", false, new Uint8Array(LARGE))];
    for (const subject of ["a", "b", "c"]) {
      issuer = forge({ subject, authority: true, issuer, keys: keysOf(), extensions, ...signed });
      chain.unshift(issuer);
    }
    const shown = [leaf({ issuer, ...signed }), ...chain];
    const anchors = trusting(anchor);
    const onlyReason = { anchors, onlyReason: true };
    assert(judge(shown, onlyReason).trusted, "with the work of a refusal");
    const work = workOf(DEFAULT_VERDICT_LIMITS);
    assert(judge(shown, { anchors: trusting(anchor), work }).trusted);
    assert(work.spent <= 4 * ordinary, `${work.spent / ordinary} ordinary verdicts`);
    // The authorities are known now: another peer takes one check.
    const { counts } = workOn([leaf({ issuer, ...signed }), ...chain], anchors);
    assert(counts.signature < 1100, String(counts.signature));
  });
}

Deno.test("judgePeer() ends in a refusal where the work runs out, and says so", () => {
  const chain = [leaf({ issuer: between }), between];
  const { reason, rule } = refused(judge(chain, { limits: { work: 300 } }));
  assert.deepEqual([reason, rule], ["untrusted-authority", "path.work"]);
});

Deno.test("judgePeer() reads no certificate of absurd attributes", () => {
  const names = (...attributes: Uint8Array[]) => [
    der(0xa4, der(0x30, der(0x31, ...attributes))),
  ];
  const many = Array.from({ length: 9 }, (_, i) => attribute(ascii(String(i))));
  const rules = [names(...many), names(attribute(new Uint8Array(1025).fill(65)))].map((one) =>
    refused(judge([leaf({ names: one, without: [OID.subjectKeyIdentifier] })])).rule
  );
  assert.deepEqual(rules, ["name.attributes", "name.value"]);
});

Deno.test("judgePeer() reads no certificate of absurdly long lists", () => {
  const list = (count: number, member: Uint8Array) =>
    der(0x30, ...Array.from({ length: count }, () => member));
  const access = der(0x30, oid("1.3.6.1.5.5.7.48.1"), general.uri("http://a.example"));
  const point = (count: number) =>
    der(0x30, der(0xa0, der(0xa0, ...Array.from({ length: count }, () => general.uri("u:x")))));
  const read = (id: string, value: Uint8Array, critical = false) =>
    refused(judge([leaf({ without: [id], extensions: [extension(id, critical, value)] })])).rule;
  assert.equal(read("2.5.29.37", list(65, oid(OID.serverAuth))), "extension.purposes");
  assert.equal(read("1.3.6.1.5.5.7.1.1", list(65, access)), "extension.authority-information");
  assert.equal(read("2.5.29.31", list(1, point(17))), "extension.distribution-points");
  assert.equal(read("2.5.29.31", list(65, point(1))), "extension.distribution-points");
  assert.equal(
    read(
      "2.5.29.30",
      der(0x30, der(0xa0, list(1025, der(0x30, general.dns("a"))).subarray(4))),
      true,
    ),
    "constraints.count",
  );
  assert.equal(read("2.5.29.17", list(257, general.dns("a.example"))), "san.count");
});

Deno.test("judgePeer() compares relative names as multisets", () => {
  const set = (...values: string[]) =>
    der(0xa4, der(0x30, der(0x31, ...values.map((one) => attribute(ascii(one))))));
  const narrow = forge({
    subject: "narrow",
    authority: true,
    issuer: root,
    constraints: { excluded: [set("a", "a", "b")] },
  });
  const shown = (name: Uint8Array) => {
    const names = [general.uri(WORKER), name];
    return judge([leaf({ issuer: narrow, names, keys: newKeys() }), narrow]).trusted;
  };
  assert(!shown(set("a", "a", "b")));
  assert(shown(set("a", "b", "b")));
});
