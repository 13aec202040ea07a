import assert from "node:assert/strict";
import {
  der,
  extension,
  forge,
  type Forged,
  type ForgeOptions,
  general,
  OID,
} from "../../tests/support/forge.ts";
import {
  judge,
  leaf,
  read,
  refused,
  root,
  trustedName,
  trusting,
  WORKER,
} from "../../tests/support/judging.ts";
import { adviceOn } from "./advice.ts";
import { Denylist } from "./denylist.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import { TrustAnchors } from "./path/trust_anchors.ts";

type Row = readonly [what: string, rule: string, leaf: ForgeOptions];

const HOST = "worker.pool.internal";
const names = [general.dns(HOST)];
const asked = { expected: HOST };

/** What private authorities leave out or add: each is safe. */
const LEAVES: readonly Row[] = [
  ["no key usage", "leaf.key-usage", { keyUsage: undefined }],
  ["no extended key usage", "leaf.purpose", { purposes: [] }],
  ["anyExtendedKeyUsage alone", "leaf.any-purpose", { purposes: ["2.5.29.37.0"] }],
  ["a critical extended key usage", "leaf.critical-purpose", {
    purposes: [],
    extensions: [extension(
      OID.extendedKeyUsage,
      true,
      der(0x30, ...[OID.serverAuth, OID.clientAuth].map(oidOf)),
    )],
  }],
  ["no authority key identifier", "leaf.key-identifier", {
    without: [OID.authorityKeyIdentifier],
  }],
  ["a key usage that ends in zeros, as PKI.js writes it", "certificate.spelling", {
    without: [OID.keyUsage],
    extensions: [extension(OID.keyUsage, true, der(0x03, [0, 0x80]))],
  }],
  ["CA:FALSE spelt out, as older versions of rcgen write it", "certificate.spelling", {
    without: [OID.basicConstraints],
    extensions: [extension(OID.basicConstraints, true, der(0x30, der(0x01, [0])))],
  }],
  ["an extension that spells out that it is not critical", "certificate.spelling", {
    extensions: [der(0x30, oidOf("1.2.3.4"), der(0x01, [0]), der(0x04))],
  }],
  ["dates of years in four digits", "certificate.spelling", { longYears: true }],
  ["critical names beside a subject", "san.critical", {
    without: [OID.subjectAlternativeName],
    extensions: [extension(OID.subjectAlternativeName, true, der(0x30, ...names))],
  }],
  ["an underscore in another name", "san.dns", {
    names: [...names, general.dns("my_worker.pool.internal")],
  }],
  ["a misspelt name beside its own", "san.dns", { names: [...names, general.dns("a b")] }],
  ["an address of five bytes beside its own name", "san.ip", {
    names: [...names, general.ip(1, 2, 3, 4, 5)],
  }],
];

function oidOf(dotted: string): Uint8Array {
  const [a = 0, b = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, [a * 40 + b, ...rest]);
}

for (const [what, rule, options] of LEAVES) {
  Deno.test(`judgePeer() accepts a leaf with ${what}, advises, and refuses it where it is strict`, () => {
    const peer = leaf({ names, ...options });
    assert.equal(trustedName(judge([peer], asked)), `dns:${HOST}`);
    assert.equal(refused(judge([peer], { ...asked, mode: "strict" })).rule, rule);
    const [advice] = adviceOn({ chain: [read(peer)], now: Date.now() });
    assert.equal(advice?.rule, rule);
    assert(advice.refusedIfStrict);
    assert.notEqual(advice.asks, "");
    assert.notEqual(advice.setting, "");
  });
}

const AUTHORITIES: readonly (readonly [string, string, ForgeOptions, "intermediate" | "anchor"])[] =
  [
    ["no key usage", "authority.key-usage", { keyUsage: undefined }, "intermediate"],
    ["no authority key identifier", "authority.key-identifier", {
      without: [OID.authorityKeyIdentifier],
    }, "intermediate"],
    ["no subject key identifier", "authority.key-identifier", {
      without: [OID.subjectKeyIdentifier],
    }, "anchor"],
    ["basic constraints that are not critical", "authority.basic-constraints", {
      without: [OID.basicConstraints],
      extensions: [extension(OID.basicConstraints, false, der(0x30, der(0x01, [0xff])))],
    }, "anchor"],
    ["an extended key usage of both roles", "authority.purpose", {
      purposes: [OID.serverAuth, OID.clientAuth],
    }, "anchor"],
    ["name constraints that are not critical", "constraints.critical", {
      without: [OID.nameConstraints],
      extensions: [extension(
        OID.nameConstraints,
        false,
        der(0x30, der(0xa0, der(0x30, general.dns("pool.internal")))),
      )],
    }, "intermediate"],
  ];

for (const [what, rule, options, place] of AUTHORITIES) {
  Deno.test(`judgePeer() accepts an ${place} with ${what}, and refuses it where it is strict`, () => {
    const isAnchor = place === "anchor";
    const authority = forge({
      subject: "authority",
      authority: true,
      ...isAnchor ? {} : { issuer: root },
      ...options,
    });
    const peer = leaf({ issuer: authority, names });
    const chain = isAnchor ? [peer] : [peer, authority];
    const anchors = () => isAnchor ? trusting(authority) : trusting(root);
    assert(judge(chain, { ...asked, anchors: anchors() }).trusted);
    const strict = { ...asked, anchors: anchors(), mode: "strict" as const };
    assert.equal(refused(judge(chain, strict)).rule, rule);
  });
}

Deno.test("judgePeer() applies name constraints that are not critical", () => {
  const bases = der(0xa0, der(0x30, general.dns("other.internal")));
  const narrow = forge({
    subject: "narrow",
    authority: true,
    issuer: root,
    extensions: [extension(OID.nameConstraints, false, der(0x30, bases))],
  });
  const verdict = refused(judge([leaf({ issuer: narrow, names }), narrow], asked));
  assert.equal(verdict.rule, "path.name-constraints");
});

Deno.test("judgePeer() refuses a name that its authority's constraints cannot judge", () => {
  const constrained = (base: Uint8Array) =>
    forge({
      subject: "narrow",
      authority: true,
      issuer: root,
      constraints: { permitted: [base] },
    });
  const shown = (narrow: Forged) =>
    judge([leaf({ issuer: narrow, names: [...names, general.dns("a b")] }), narrow], asked);
  assert.equal(
    refused(shown(constrained(general.dns("pool.internal")))).rule,
    "path.name-constraints",
  );
  assert(shown(constrained(general.email("example.org"))).trusted);
});

Deno.test("judgePeer() lets an authority's extended key usage restrict a leaf without one", () => {
  const clients = forge({
    subject: "clients",
    authority: true,
    issuer: root,
    purposes: [OID.clientAuth],
  });
  const peer = leaf({ issuer: clients, names, purposes: [] });
  assert.equal(refused(judge([peer, clients], asked)).rule, "authority.purpose");
  assert(judge([peer, clients], { ...asked, role: "client" }).trusted);
});

Deno.test("judgePeer() matches an underscore to the letter", () => {
  const peer = leaf({ names: [general.dns("my_worker.pool.internal")] });
  const expecting = (expected: string) => judge([peer], { expected });
  assert(expecting("my_worker.pool.internal").trusted);
  assert(!expecting("my-worker.pool.internal").trusted);
});

Deno.test("judgePeer() holds what the public roots vouch for to the rules of the public web", () => {
  const anchors = () => new TrustAnchors({ publicRoots: [read(root)] });
  assert(judge([leaf({ names })], { ...asked, anchors: anchors() }).trusted);
  const { rule } = refused(
    judge([leaf({ names, purposes: [] })], { ...asked, anchors: anchors() }),
  );
  assert.equal(rule, "leaf.purpose");
  // Names in the subject alone are none, of a server as of a client that a pattern expects by them.
  const unnamed = leaf({ subject: HOST, names: [general.email("a@b.example")] });
  assert.equal(
    refused(judge([unnamed], { ...asked, anchors: anchors() })).reason,
    "identity-mismatch",
  );
  const client = { role: "client", expected: `cn:${HOST}` } as const;
  assert.equal(
    refused(judge([unnamed], { ...client, anchors: anchors() })).reason,
    "identity-mismatch",
  );
  assert.equal(trustedName(judge([unnamed], client)), `cn:${HOST}`);
});

Deno.test("judgePeer() accepts a self-signed leaf that is in the bundle, as itself alone", () => {
  const pinned = forge({ subject: "tool", names });
  const anchors = trusting(root, pinned);
  assert.equal(trustedName(judge([pinned], { ...asked, anchors })), `dns:${HOST}`);
  const other = refused(judge([forge({ subject: "tool", names })], { ...asked, anchors }));
  assert.equal(other.reason, "untrusted-authority");
  const below = forge({ subject: "below", issuer: pinned, names });
  assert.equal(refused(judge([below], { ...asked, anchors })).rule, "authority.not-one");
  const late = { ...asked, anchors, now: Date.now() + 24 * 3_600_000 };
  assert.equal(refused(judge([pinned], late)).reason, "certificate-expired");
  assert.equal(
    refused(judge([pinned], { anchors, expected: "other.pool.internal" })).reason,
    "identity-mismatch",
  );
});

Deno.test("judgePeer() holds a self-signed leaf that is in a bundle to usage, denylist and trust domain", () => {
  const uri = [general.uri(WORKER)];
  const [wrong, purpose, svid] = [
    forge({ subject: "a", names, keyUsage: 0x20 }),
    forge({ subject: "b", names, purposes: [OID.clientAuth] }),
    forge({ subject: "c", names: [...names, ...uri] }),
  ] as const;
  const anchors = trusting(root, wrong, purpose, svid);
  assert.equal(refused(judge([wrong], { ...asked, anchors })).rule, "leaf.key-usage");
  assert.equal(refused(judge([purpose], { ...asked, anchors })).rule, "leaf.purpose");
  assert(judge([svid], { ...asked, anchors }).trusted);
  const denylist = new Denylist({ spkiSha256: [read(svid).publicKey.spkiSha256] });
  assert.equal(
    refused(judge([svid], { ...asked, anchors, denylist })).reason,
    "certificate-denied",
  );
  // Given for a trust domain it vouches for its ID of that domain, for no other and for no host.
  const given = (domain: string) => ({
    anchors: new TrustAnchors({ domains: new Map([[domain, [read(svid)]]]) }),
  });
  assert(judge([svid], { ...given("example.org"), expected: WORKER }).trusted);
  assert.equal(
    refused(judge([svid], { ...given("other.org"), expected: WORKER })).rule,
    "path.trust-domain",
  );
  assert.equal(
    refused(judge([svid], { ...given("example.org"), expected: HOST })).reason,
    "identity-mismatch",
  );
});

Deno.test("judgePeer() says how to make a self-signed leaf where a bundle holds an authority's", () => {
  const own = forge({ subject: "tool", authority: true, keyUsage: 0x80, names });
  const { rule, evidence } = refused(judge([own], { ...asked, anchors: trusting(own) }));
  assert.equal(rule, "leaf.authority");
  assert.match(evidence.advice ?? "", /basicConstraints = critical, CA:FALSE/);
});

Deno.test("judgePeer() names the rule, the field, what was found and the issuer's setting", () => {
  const { evidence } = refused(judge([leaf({ names, purposes: [OID.clientAuth] })], asked));
  assert.equal(evidence.rule, "leaf.purpose");
  assert.equal(evidence.field, "extendedKeyUsage");
  assert.match(evidence.found ?? "", /is clientAuth, without serverAuth/);
  assert.match(
    evidence.advice ?? "",
    /cert-manager: usages: \[digital signature, key encipherment, server auth, client auth\]/,
  );
  const made = leaf({ subject: "Easy-RSA CA", names, purposes: [OID.clientAuth] });
  assert.match(
    refused(judge([made], asked)).evidence.advice ?? "",
    /; easy-rsa: build-serverClient-full in place of build-server-full or build-client-full$/,
  );
});

Deno.test("judgePeer() lets a key that is an anchor of another trust domain vouch for that domain alone", () => {
  const federated = forge({ subject: "federated", authority: true });
  const crossed = forge({
    subject: "federated",
    authority: true,
    issuer: root,
    keys: federated.keys,
  });
  const anchors = () =>
    new TrustAnchors({
      bundle: [read(root)],
      domains: new Map([["other.org", [read(federated)]]]),
      localDomain: "example.org",
    });
  const shown = (leafNames: readonly Uint8Array[], expected: string) =>
    judge([leaf({ issuer: crossed, names: leafNames }), crossed], { anchors: anchors(), expected });
  assert.equal(refused(shown([general.uri(WORKER)], WORKER)).rule, "path.trust-domain");
  assert.equal(refused(shown(names, HOST)).rule, "path.trust-domain");
  const theirs = "spiffe://other.org/worker";
  assert(shown([general.uri(theirs)], theirs).trusted);
  // Without the federation it is an ordinary intermediate of our root.
  assert(judge([leaf({ issuer: crossed }), crossed]).trusted);
});

Deno.test("judgePeer() proves a common name only where constraints of DNS names permit it", () => {
  const constrained = (constraints: NonNullable<ForgeOptions["constraints"]>) =>
    forge({ subject: "narrow", authority: true, issuer: root, constraints });
  const shown = (narrow: Forged, subject: string) => {
    const peer = leaf({ issuer: narrow, subject, names: [general.dns("a.pool.internal")] });
    return judge([peer, narrow], { role: "client", expected: `cn:${subject}` });
  };
  const permitted = constrained({ permitted: [general.dns("pool.internal")] });
  assert(shown(permitted, "b.pool.internal").trusted);
  assert.equal(refused(shown(permitted, "b.other")).reason, "identity-mismatch");
  assert.equal(refused(shown(permitted, "agent 7")).reason, "identity-mismatch");
  const excluded = constrained({ excluded: [general.dns("secret.internal")] });
  assert.equal(refused(shown(excluded, "x.secret.internal")).reason, "identity-mismatch");
  const directory = constrained({ permitted: [general.directory("agent 7")] });
  assert(shown(directory, "agent 7").trusted);
  assert.equal(refused(shown(directory, "agent 8")).rule, "path.name-constraints");
});

Deno.test("adviceOn() advises where a leaf without extended key usage is accepted in the other role, too", () => {
  const rules = (own: ForgeOptions, accepts: string) =>
    adviceOn({
      chain: [read(leaf(own))],
      accepts: [parsePattern(accepts, { clients: true })],
      now: Date.now(),
    }).map(({ rule }) => rule);
  assert(rules({ purposes: [] }, "spiffe://example.org/*").includes("leaf.both-roles"));
  assert(!rules({ purposes: [] }, "spiffe://example.org/client/*").includes("leaf.both-roles"));
  assert(!rules({}, "spiffe://example.org/*").includes("leaf.both-roles"));
});

Deno.test("adviceOn() says of a leaf in the bundle that it is no authority, not that it is a root", () => {
  const advice = (anchor: Forged) =>
    adviceOn({ anchors: [read(root), read(anchor)], now: Date.now() });
  const [stray, ...more] = advice(forge({ issuer: root, names, purposes: [OID.serverAuth] }));
  assert.deepEqual(more, []);
  assert.equal(stray?.rule, "authority.not-one");
  assert.equal(stray.refusedIfStrict, false);
  assert.match(stray.found, /no authority's, so that no peer is trusted by it$/);
  // A leaf that its subject has signed is trusted as itself.
  const rules = advice(forge({ names })).map(({ rule }) => rule);
  assert(!rules.includes("authority.not-one"));
});
