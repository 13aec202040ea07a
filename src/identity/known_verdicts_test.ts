import assert from "node:assert/strict";
import { forge, newKeys } from "../../tests/support/forge.ts";
import { HOUR, leaf, refused, root, trusting, WORKER } from "../../tests/support/judging.ts";
import { Denylist } from "./denylist.ts";
import { knownVerdict } from "./known_verdicts.ts";
import { parsePatterns } from "./names/identity_pattern.ts";
import type { TrustAnchors } from "./path/trust_anchors.ts";
import type { PeerQuestion } from "./peer_question.ts";
import { judgePeer } from "./verdict.ts";

const now = Date.now();
const SOON = Math.floor(now / 1000) * 1000 + 60_000;

function asking(anchors: TrustAnchors, question: Partial<PeerQuestion> = {}): PeerQuestion {
  return { role: "server", anchors, expected: parsePatterns([WORKER]), now, ...question };
}

Deno.test("knownVerdict() is the verdict of before where nothing has changed", () => {
  const anchors = trusting(root);
  const { der } = leaf();
  assert.equal(knownVerdict([der], asking(anchors)), undefined);
  const verdict = judgePeer([der], asking(anchors));
  assert(verdict.trusted);
  assert.equal(knownVerdict([new Uint8Array(der)], asking(anchors)), verdict);
  assert.equal(judgePeer([der], asking(anchors, { now: now + 1000 })), verdict);
});

Deno.test("knownVerdict() gives every connection what nobody can have changed", () => {
  const anchors = trusting(root);
  const { der } = leaf();
  const verdict = judgePeer([der], asking(anchors));
  assert(verdict.trusted);
  const identity = verdict.identity as unknown as { name: string; names: string[] };
  assert.throws(() => identity.names.push("spiffe://example.org/other"), TypeError);
  assert.throws(() => identity.name = "spiffe://example.org/other", TypeError);
  const known = knownVerdict([der], asking(anchors));
  assert.deepEqual([known?.identity.name, known?.identity.names], [WORKER, [WORKER]]);
});

Deno.test("knownVerdict() knows none where the question is another one", () => {
  const anchors = trusting(root);
  const { der } = leaf();
  judgePeer([der], asking(anchors));
  const others: Partial<PeerQuestion>[] = [
    { anchors: trusting(root) },
    { role: "client" },
    { mode: "strict" },
    { expected: parsePatterns(["*"]) },
    { expected: parsePatterns([WORKER, "*"]) },
    { denylist: new Denylist({}) },
    { limits: { work: 1000 } },
    { onlyReason: true },
    { now: now + 1000 * HOUR },
    { now: 0 },
  ];
  for (const other of others) {
    assert.equal(knownVerdict([der], asking(anchors, other)), undefined, Object.keys(other)[0]);
  }
  assert.equal(knownVerdict([der, root.der], asking(anchors)), undefined);
  const altered = new Uint8Array(der);
  altered[20]! ^= 1;
  assert.equal(knownVerdict([altered], asking(anchors)), undefined);
  assert.equal(knownVerdict([], asking(anchors)), undefined);
});

Deno.test("judgePeer() refuses a peer that it knows, once it is denied or has expired", () => {
  const anchors = trusting(root);
  const { der } = leaf({ notAfter: SOON });
  assert(judgePeer([der], asking(anchors)).trusted);
  const denylist = new Denylist({ spiffeIds: [WORKER] });
  assert.equal(refused(judgePeer([der], asking(anchors, { denylist }))).rule, "denylist");
  assert(judgePeer([der], asking(anchors, { now: SOON + 999 })).trusted);
  const late = asking(anchors, { now: SOON + 1000 });
  assert.equal(refused(judgePeer([der], late)).reason, "certificate-expired");
});

Deno.test("judgePeer() takes the path that comes first once it is valid, whatever it knows", () => {
  const anchors = trusting(root);
  const keys = newKeys();
  const later = forge({ subject: "a", authority: true, issuer: root, keys, notBefore: SOON });
  const valid = forge({ subject: "a", authority: true, issuer: root, keys });
  const chain = [leaf({ issuer: valid }), later, valid].map(({ der }) => der);
  const before = judgePeer(chain, asking(anchors));
  assert(before.trusted);
  assert.equal(knownVerdict(chain, asking(anchors)), undefined);
  const after = judgePeer(chain, asking(anchors, { now: SOON + 1000 }));
  assert(after.trusted);
  assert.notDeepEqual(after.path[1]?.der, before.path[1]?.der);
});
