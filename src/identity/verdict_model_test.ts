/**
 * What must hold of every certificate of a path that was trusted, whatever mixture of usages, names, constraints and
 * trust domains it was: written from the rules, without the code that applies them.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { forge, general, newKeys, OID } from "../../tests/support/forge.ts";
import { read } from "../../tests/support/judging.ts";
import { matchesPeer } from "./name_match.ts";
import { parsePattern } from "./names/identity_pattern.ts";
import type { PeerRole } from "./path/peer_role.ts";
import { TrustAnchors } from "./path/trust_anchors.ts";
import { judgePeer } from "./verdict.ts";

const KEYS = { anchor: newKeys(), between: newKeys(), leaf: newKeys() };
const DOMAINS = ["example.org", "partner.org"] as const;

/** Mostly what is accepted, so that what is odd is seldom odd in two ways. */
function mostly<Value>(usual: Value, odd: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 7, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
}

const BOTH: readonly string[] = [OID.serverAuth, OID.clientAuth];
const purposes = (usual: readonly string[]) =>
  mostly(
    usual,
    fc.constantFrom<readonly string[]>(
      [],
      BOTH,
      [OID.serverAuth],
      [OID.clientAuth],
      ["2.5.29.37.0"],
      ["1.3.6.1.5.5.7.3.3"],
    ),
  );
const usage = (...odd: number[]) => fc.option(fc.constantFrom(...odd), { nil: undefined, freq: 3 });
const NAMES = {
  uri: [
    "spiffe://example.org/worker",
    "spiffe://partner.org/worker",
    "spiffe://example.org",
    "spiffe://Example.org/worker",
    "SPIFFE://example.org/worker",
    "https://example.org/worker",
    "/worker",
  ],
  dns: ["worker.internal", "*.internal", "worker.other", "a..b", "WORKER.internal"],
} as const;
interface Name {
  readonly kind: keyof typeof NAMES;
  readonly text: string;
}
const WORKER: Name = { kind: "uri", text: NAMES.uri[0] };
const HOST: Name = { kind: "dns", text: NAMES.dns[0] };
const name = fc.oneof(
  fc.constantFrom(...NAMES.uri).map((text): Name => ({ kind: "uri", text })),
  fc.constantFrom(...NAMES.dns).map((text): Name => ({ kind: "dns", text })),
);
const authority = fc.record({
  usage: mostly<number | undefined>(0x06, usage(0x86, 0x80)),
  purposes: purposes([]),
  ids: mostly<readonly string[]>(
    [],
    fc.array(
      fc.constantFrom("spiffe://example.org", "spiffe://partner.org", "spiffe://Partner.org"),
      { minLength: 1, maxLength: 2 },
    ),
  ),
  isAuthority: mostly(true, fc.boolean()),
  constraint: fc.option(
    fc.record({
      list: fc.constantFrom("permitted" as const, "excluded" as const),
      base: fc.constantFrom("internal", "other", "worker.internal"),
    }),
    { nil: undefined, freq: 1 },
  ),
});
const situation = fc.record({
  role: fc.constantFrom<PeerRole>("server", "client"),
  expected: fc.constantFrom("spiffe://example.org/worker", "worker.internal", "*"),
  leaf: fc.record({
    usage: mostly<number | undefined>(0x80, usage(0xa0, 0x20, 0x84, 0x06, 0x02)),
    purposes: purposes(BOTH),
    names: fc.oneof<fc.Arbitrary<readonly Name[]>[]>(
      fc.constantFrom<readonly Name[]>([WORKER], [WORKER, HOST], [HOST]),
      fc.array(name, { maxLength: 3 }),
    ),
  }),
  between: fc.option(authority, { nil: undefined }),
  anchor: authority,
  /** For which trust domain the anchor is given; for none where it stands in the bundle. */
  label: mostly<string | undefined>(undefined, fc.constantFrom(...DOMAINS)),
  local: mostly<string | undefined>("example.org", fc.constantFrom(undefined, ...DOMAINS)),
});

type Situation = typeof situation extends fc.Arbitrary<infer Value> ? Value : never;
type AuthorityShape = Situation["anchor"];

function certificatesOf({ leaf, between, anchor }: Situation) {
  const made = (subject: string, keys: typeof KEYS.anchor, shape: AuthorityShape) => ({
    subject,
    keys,
    authority: shape.isAuthority,
    keyUsage: shape.usage,
    purposes: shape.purposes,
    names: shape.ids.map(general.uri),
    ...shape.constraint === undefined ? {} : {
      constraints: { [shape.constraint.list]: [general.dns(shape.constraint.base)] },
    },
  });
  const top = forge(made("anchor", KEYS.anchor, anchor));
  const middle = between && forge({ ...made("between", KEYS.between, between), issuer: top });
  const bottom = forge({
    keys: KEYS.leaf,
    issuer: middle ?? top,
    keyUsage: leaf.usage,
    purposes: leaf.purposes,
    names: leaf.names.map(({ kind, text }: Name) => general[kind](text)),
  });
  return { anchor: top, chain: [bottom, ...middle === undefined ? [] : [middle]] };
}

function judge(situation: Situation) {
  const { anchor, chain } = certificatesOf(situation);
  const { label, local, role, expected } = situation;
  const certificate = read(anchor);
  return judgePeer(chain.map(({ der }) => der), {
    role,
    anchors: new TrustAnchors({
      ...label === undefined
        ? { bundle: [certificate] }
        : { domains: new Map([[label, [certificate]]]) },
      ...local === undefined ? {} : { localDomain: local },
    }),
    expected: [parsePattern(expected, { clients: role === "client" })],
    now: Date.now(),
  });
}

function allows(purposes: readonly string[], role: PeerRole): boolean {
  return purposes.length === 0 || purposes.includes("2.5.29.37.0") ||
    purposes.includes(role === "server" ? OID.serverAuth : OID.clientAuth);
}

/** Whether all that a DNS name stands for lies in a domain, or any of it. */
function isIn(text: string, base: string, list: "permitted" | "excluded"): boolean {
  const host = text.toLowerCase();
  const within = (one: string) => one === base || one.endsWith(`.${base}`);
  if (!host.startsWith("*.")) return within(host);
  if (within(host.slice(2))) return true;
  return list === "excluded" && base.endsWith(host.slice(1)) &&
    !base.slice(0, -host.length + 1).includes(".");
}

function assertAuthorities(situation: Situation): void {
  const { leaf, anchor, between, role } = situation;
  const authorities = between === undefined ? [anchor] : [between, anchor];
  for (const { isAuthority, usage, purposes, constraint } of authorities) {
    assert(isAuthority);
    assert(usage === undefined || (usage & 0x04) !== 0);
    assert(allows(purposes, role));
    if (constraint === undefined) continue;
    const hosts = leaf.names.filter(({ kind }) => kind === "dns").map(({ text }) => text);
    assert(!hosts.includes("a..b"));
    const { list, base } = constraint;
    for (const host of hosts) assert.equal(isIn(host, base, list), list === "permitted", host);
  }
}

function assertDomain(situation: Situation, domain: string): void {
  const { anchor, between, label, local } = situation;
  if (between !== undefined) {
    assert(between.ids.every((id) => id === `spiffe://${domain}`), between.ids.join());
  }
  if (label !== undefined) {
    assert.equal(label, domain);
    return;
  }
  assert(anchor.ids.every((id) => id === `spiffe://${domain}`), anchor.ids.join());
  if (anchor.ids.length === 0 && local !== undefined) assert.equal(local, domain);
}

Deno.test("whatever is trusted keeps every rule of safety, in each of its certificates", () => {
  let trusted = 0;
  fc.assert(
    fc.property(situation, (situation) => {
      const verdict = judge(situation);
      if (!verdict.trusted) return;
      trusted++;
      const { leaf, role, expected } = situation;
      assert(leaf.usage === undefined || (leaf.usage & 0x86) === 0x80);
      assert(allows(leaf.purposes, role));
      assertAuthorities(situation);
      const uris = leaf.names.filter(({ kind }) => kind === "uri").map(({ text }) => text);
      const { identity } = verdict;
      if (identity.spiffeId === undefined) {
        assert(!expected.startsWith("spiffe:"));
        for (const text of NAMES.uri.slice(0, 3)) {
          assert(!matchesPeer(parsePattern(text), identity), text);
        }
      } else {
        assert.deepEqual(uris, [identity.spiffeId.text]);
        assert.match(identity.spiffeId.text, /^spiffe:\/\/(example|partner)\.org\/worker$/);
        assertDomain(situation, identity.spiffeId.trustDomain);
      }
      const hosts = identity.names.filter((one) => one.startsWith("dns:"));
      if (situation.label !== undefined) assert.deepEqual(hosts, []);
    }),
    { numRuns: 400 },
  );
  assert(trusted > 10, `${trusted} were trusted`);
});
