import { Denylist } from "./denylist.ts";
import { sameBytes } from "./der/bytes.ts";
import type { VerdictMode } from "./path/advised.ts";
import { DEFAULT_VERDICT_LIMITS, type VerdictLimits } from "./path/limits.ts";
import type { TrustAnchors } from "./path/trust_anchors.ts";
import type { PeerQuestion, Trusted } from "./peer_question.ts";

/** Under one set of anchors; the oldest makes room. */
const CAPACITY = 256;
/** Longer chains are judged each time, in bytes. */
const MAX_CHAIN_BYTES = 8 * 1024;

const LIMITS = Object.keys(DEFAULT_VERDICT_LIMITS) as (keyof VerdictLimits)[];

/** A verdict, and all that it was made from but the anchors. */
interface KnownVerdict extends Pick<PeerQuestion, "role" | "expected"> {
  readonly mode: VerdictMode | undefined;
  readonly chain: readonly Uint8Array[];
  readonly denylist: Denylist;
  readonly limits: VerdictLimits;
  /** When the last certificate of the path begins to be valid. */
  readonly validFrom: number;
  readonly verdict: Trusted;
}

const byAnchors = new WeakMap<TrustAnchors, Map<number, KnownVerdict>>();

/**
 * The verdict on a peer that was trusted before, where it would be the same again: the chain byte for byte, the
 * anchors, the denylist and the limits are those of then, the names and the role the same, and every certificate of
 * the path is valid now. A peer that connects again, or whose connection is left, is judged in 0.2 µs in place of 4
 * so, once the code is compiled.
 */
export function knownVerdict(
  chain: readonly Uint8Array[],
  question: PeerQuestion,
): Trusted | undefined {
  if (!isOrdinary(question)) return undefined;
  const known = byAnchors.get(question.anchors)?.get(keyOf(chain, question));
  return known !== undefined && isWithin(known, question.now) && isSame(known, chain, question)
    ? known.verdict
    : undefined;
}

/**
 * Remembers a verdict whose path was the first that was tried and broke no rule: by no other certificate's dates would
 * another path have come before it.
 */
export function rememberVerdict(
  chain: readonly Uint8Array[],
  question: PeerQuestion,
  verdict: Trusted,
): void {
  if (!isOrdinary(question)) return;
  if (chain.reduce((sum, { length }) => sum + length, 0) > MAX_CHAIN_BYTES) return;
  const { anchors, role, mode, expected, denylist = Denylist.empty } = question;
  const known = byAnchors.get(anchors) ?? new Map<number, KnownVerdict>();
  byAnchors.set(anchors, known);
  const key = keyOf(chain, question);
  known.delete(key);
  if (known.size >= CAPACITY) known.delete(known.keys().next().value!);
  const limits = { ...DEFAULT_VERDICT_LIMITS, ...question.limits };
  const validFrom = Math.max(...verdict.path.map(({ notBefore }) => notBefore));
  known.set(key, { chain, role, mode, expected, denylist, limits, validFrom, verdict });
}

/** Where only a reason is asked, or the work is counted elsewhere, the verdict is another one. */
function isOrdinary({ onlyReason, work }: PeerQuestion): boolean {
  return onlyReason !== true && work === undefined;
}

/** The last bytes of the leaf, which are of its signature, and the role; what decides is compared as a whole. */
function keyOf([leaf]: readonly Uint8Array[], { role }: PeerQuestion): number {
  let key = role === "client" ? 1 : 0;
  if (leaf === undefined) return key;
  for (let at = Math.max(0, leaf.length - 5); at < leaf.length; at++) key = key * 256 + leaf[at]!;
  return key;
}

/** At the first and the last moment the verdict is made anew. */
function isWithin({ validFrom, verdict }: KnownVerdict, now: number): boolean {
  return now > validFrom && now < verdict.validUntil;
}

function isSame(
  known: KnownVerdict,
  chain: readonly Uint8Array[],
  { role, mode, expected, denylist = Denylist.empty, limits }: PeerQuestion,
): boolean {
  return known.role === role && known.mode === mode && known.denylist === denylist &&
    sameLimits(known.limits, limits) &&
    sameElements(known.expected, expected, (a, b) => a.kind === b.kind && a.text === b.text) &&
    sameElements(known.chain, chain, sameBytes);
}

function sameLimits(known: VerdictLimits, limits: Partial<VerdictLimits> = {}): boolean {
  return LIMITS.every((name) => known[name] === (limits[name] ?? DEFAULT_VERDICT_LIMITS[name]));
}

function sameElements<T>(
  a: readonly T[],
  b: readonly T[],
  same: (a: T, b: T) => boolean,
): boolean {
  return a === b || a.length === b.length && a.every((one, at) => same(one, b[at]!));
}
