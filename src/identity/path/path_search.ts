import { type Certificate, isSelfIssued } from "../certificate/certificate.ts";
import type { Work } from "../certificate/work.ts";
import type { VerdictLimits } from "./limits.ts";
import type { Path } from "./path_rules.ts";
import type { PresentedAuthorities } from "./presented_chain.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/** Finds the ways from a leaf to the anchors by names alone, each certificate used at most once. */
export class PathSearch {
  readonly #anchors: TrustAnchors;
  readonly #presented: PresentedAuthorities;
  readonly #limits: VerdictLimits;
  readonly #work: Work;
  #deepest: Path = [];
  #tooLong = false;

  constructor(
    anchors: TrustAnchors,
    presented: PresentedAuthorities,
    limits: VerdictLimits,
    work: Work,
  ) {
    this.#anchors = anchors;
    this.#presented = presented;
    this.#limits = limits;
    this.#work = work;
  }

  /** Whether a way was given up because of the number of authorities on it. */
  get tooLong(): boolean {
    return this.#tooLong;
  }

  /** The longest way that was followed; its last certificate's issuer was not found. */
  get deepest(): Path {
    return this.#deepest;
  }

  /** The paths from that leaf, likelier ones first. */
  *from(leaf: Certificate): Iterable<Path> {
    yield* this.#extend([leaf], 0);
  }

  *#extend(path: Path, intermediates: number): Iterable<Path> {
    if (path.length > this.#deepest.length) this.#deepest = path;
    const last = path[path.length - 1]!;
    for (const anchor of likelierFirst(this.#anchors.named(last.issuer), last)) {
      if (!this.#work.allows("step")) return;
      yield [...path, anchor];
    }
    for (const issuer of likelierFirst(this.#issuersOf(path, last), last)) {
      if (!this.#work.allows("step")) return;
      const count = intermediates + (isSelfIssued(issuer) ? 0 : 1);
      if (count > this.#limits.intermediates) this.#tooLong = true;
      else yield* this.#extend([...path, issuer], count);
    }
  }

  #issuersOf(path: Path, last: Certificate): readonly Certificate[] {
    return this.#presented.named(last.issuer.key).filter((candidate) =>
      // The same authority twice on a path proves nothing that once does not: no cycles.
      !path.some((used) =>
        used.publicKey.spkiSha256 === candidate.publicKey.spkiSha256 &&
        used.subject.key === candidate.subject.key
      )
    );
  }
}

// The likelier one is tried first (RFC 4158 §3.5.12); one that contradicts it breaks a rule of the path.
function likelierFirst(
  candidates: readonly Certificate[],
  child: Certificate,
): readonly Certificate[] {
  const wanted = child.extensions.authorityKeyIdentifier?.keyIdentifier;
  if (candidates.length < 2 || wanted === undefined) return candidates;
  const isHit = (one: Certificate) => one.extensions.subjectKeyIdentifier === wanted;
  return [...candidates.filter(isHit), ...candidates.filter((one) => !isHit(one))];
}
