import assert from "node:assert/strict";
import fc from "../../tests/support/fast_check.ts";
import { der, forge, general, newKeys, oid } from "../../tests/support/forge.ts";
import { type Certificate, parseCertificate } from "./certificate/certificate.ts";
import { Work } from "./certificate/work.ts";
import { isCertificateFault } from "./certificate/certificate_fault.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import { decidedAtOnce } from "./path/check.ts";
import { ProvenSignatures } from "./path/proven_signatures.ts";
import { signatureCost } from "./path/signature.ts";
import { SignatureChecks } from "./path/signature_checks.ts";
import { TrustAnchors } from "./path/trust_anchors.ts";
import type { Verdict } from "./peer_question.ts";
import { judgePeer } from "./verdict.ts";

const WORKER = "spiffe://example.org/worker";
const root = forge({ subject: "root", authority: true });
const between = forge({ subject: "between", authority: true, issuer: root });
const peer = forge({ issuer: between });
const chain = [peer.der, between.der];

function read(bytes: Uint8Array): Certificate {
  const certificate = parseCertificate(bytes);
  return isCertificateFault(certificate) ? assert.fail(certificate.found) : certificate;
}

function judge(presented: readonly Uint8Array[], expected = WORKER): Verdict {
  return judgePeer(presented, {
    role: "server",
    anchors: new TrustAnchors({ bundle: [read(root.der)] }),
    expected: [parsePattern(expected)],
    now: Date.now(),
  });
}

/** One change to one certificate of the chain: some bytes taken out at a place, others put in. */
const mutation = fc.record({
  which: fc.nat(1),
  at: fc.nat(2000),
  out: fc.nat(3),
  put: fc.uint8Array({ maxLength: 3 }),
});

Deno.test("judgePeer() trusts a good chain, so that the properties below mean something", () => {
  assert(judge(chain).trusted);
});

Deno.test("judgePeer() trusts no chain of which any bytes were changed", () => {
  fc.assert(
    fc.property(mutation, ({ which, at, out, put }) => {
      const original = chain[which]!;
      const place = at % original.length;
      const changed = Uint8Array.of(
        ...original.subarray(0, place),
        ...put,
        ...original.subarray(place + out),
      );
      fc.pre(Buffer.compare(original, changed) !== 0);
      assert(!judge(chain.with(which, changed)).trusted);
    }),
    { numRuns: 500 },
  );
});

Deno.test("judgePeer() trusts no chain of which one bit was changed", () => {
  for (const [which, original] of chain.entries()) {
    for (let bit = 0; bit < original.length * 8; bit += 11) {
      const changed = original.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert(!judge(chain.with(which, changed)).trusted, `certificate ${which}, bit ${bit}`);
    }
  }
});

const host = fc.constantFrom("worker.pool.internal", "*.pool.internal", "a.b", "pool.internal");
const oddText = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 40 }),
  fc.constantFrom(
    `${WORKER}/..`,
    `${WORKER},a.b`,
    `${WORKER} x`,
    "spiffe://example.org",
    WORKER,
  ),
);
const oddName = fc.oneof(
  fc.tuple(fc.constantFrom(0x81, 0x82, 0x86), fc.oneof(host, oddText)).map(([tag, text]) =>
    der(tag, new TextEncoder().encode(text))
  ),
  fc.uint8Array({ maxLength: 20 }).map((octets) => general.ip(...octets)),
  fc.constant(general.directory("worker.pool.internal")),
  fc.uint8Array({ minLength: 1, maxLength: 20 }),
);

Deno.test("judgePeer() proves no name that the certificate does not hold, whatever it holds", () => {
  const expected = fc.constantFrom(WORKER, "worker.pool.internal", "a.b", "10.0.0.1");
  fc.assert(
    fc.property(fc.array(oddName, { maxLength: 4 }), expected, (names, text) => {
      const verdict = judge([forge({ issuer: root, names, keys: peer.keys }).der], text);
      if (!verdict.trusted) return;
      const held = names.map((name) => new TextDecoder("latin1").decode(name.subarray(2)));
      const wanted = text === "worker.pool.internal" ? [text, "*.pool.internal"] : [text];
      assert(wanted.some((one) => held.some((name) => name.toLowerCase() === one)), held.join());
    }),
    { numRuns: 500 },
  );
});

const oddBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.letrec<{ element: Uint8Array; nested: Uint8Array; plain: Uint8Array }>((tie) => ({
    element: fc.oneof({ maxDepth: 6 }, tie("plain"), tie("nested")),
    plain: fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 8 }))
      .map(([tag, octets]) => der(tag, octets)),
    nested: fc.tuple(
      fc.constantFrom(0x30, 0x31, 0xa0, 0xa3),
      fc.array(tie("element"), { maxLength: 6 }),
    ).map(([tag, members]) => der(tag, ...members)),
  })).element,
);

Deno.test("judgePeer() answers whatever bytes it is given", () => {
  fc.assert(
    fc.property(fc.array(oddBytes, { maxLength: 10 }), (presented) => {
      assert(!judge(presented).trusted);
      const strays = presented.filter(({ length }) => length > 0);
      assert(judge([...chain, ...strays]).trusted);
    }),
    { numRuns: 500 },
  );
});

Deno.test("judgePeer() answers whatever an extension holds", () => {
  const ids = ["2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30", "2.5.29.32"];
  const others = ["2.5.29.35", "2.5.29.36", "2.5.29.37", "1.3.6.1.5.5.7.1.1"];
  fc.assert(
    fc.property(
      fc.constantFrom(...ids, ...others),
      fc.boolean(),
      oddBytes,
      (id, critical, value) => {
        const flag = critical ? der(0x01, [0xff]) : [];
        const odd = der(0x30, oid(id), flag, der(0x04, value));
        const made = forge({ issuer: root, keys: peer.keys, without: [id], extensions: [odd] });
        judge([made.der]);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("SignatureChecks makes no more checks than its budget allows, and none twice", () => {
  const cost = signatureCost(leafOf.publicKey);
  fc.assert(
    fc.property(fc.nat(5), fc.array(fc.nat(9), { maxLength: 30 }), (most, order) => {
      let made = 0;
      const counting: Certificate = Object.create(leafOf, {
        tbs: { get: () => (made++, leafOf.tbs) },
      });
      const work = new Work(most * cost);
      const checks = new SignatureChecks(work, new ProvenSignatures(), Date.now());
      for (const i of order) decidedAtOnce(checks.firstUnproven([counting, strangers[i]!]));
      assert.equal(made, Math.min(most, new Set(order).size));
      assert.equal(work.exhausted, new Set(order).size > most);
    }),
    { numRuns: 50 },
  );
});

const leafOf = read(peer.der);
const strangers = Array.from(
  { length: 10 },
  () => read(forge({ subject: "between", authority: true, keys: newKeys() }).der),
);
