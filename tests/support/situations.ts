/**
 * Random mixtures of usages, purposes, names, constraints and trust domains, mostly of what is accepted, so that what is
 * odd is seldom odd in two ways.
 */
import fc from "./fast_check.ts";
import type { PeerRole } from "../../src/identity/path/peer_role.ts";
import { TrustAnchors } from "../../src/identity/path/trust_anchors.ts";
import { forge, type Forged, general, newKeys, OID } from "./forge.ts";
import { read } from "./judging.ts";

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
/** The names that leaves bear. */
export const NAMES = {
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
/** One chain, the anchor it ends in, and what is asked of it. */
export const situation = fc.record({
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

/** A value of {@linkcode situation}. */
export type Situation = typeof situation extends fc.Arbitrary<infer Value> ? Value : never;
type AuthorityShape = Situation["anchor"];

/** The certificates of a situation: the chain leaf first, without its anchor. */
export function certificatesOf({ leaf, between, anchor }: Situation) {
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

/** The trust of a situation. */
export function anchorsOf({ label, local }: Situation, anchor: Forged): TrustAnchors {
  const certificate = read(anchor);
  return new TrustAnchors({
    ...label === undefined
      ? { bundle: [certificate] }
      : { domains: new Map([[label, [certificate]]]) },
    ...local === undefined ? {} : { localDomain: local },
  });
}
