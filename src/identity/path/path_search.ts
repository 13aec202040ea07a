import { type Certificate, isSelfIssued } from "../certificate/certificate.ts";
import type { VerdictLimits } from "./limits.ts";
import type { Path } from "./path_rules.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/** Finds the ways from a leaf to the anchors by names alone, each certificate used at most once. */
export class PathSearch {
  readonly #anchors: TrustAnchors;
  readonly #presented: readonly Certificate[];
  readonly #limits: VerdictLimits;
  #stepsLeft: number;
  #deepest: Path = [];
  #tooLong = false;

  constructor(anchors: TrustAnchors, presented: readonly Certificate[], limits: VerdictLimits) {
    this.#anchors = anchors;
    // An anchor that was sent along is an anchor already.
    this.#presented = presented.slice(1).filter((one) => !anchors.has(one));
    this.#limits = limits;
    this.#stepsLeft = limits.pathSteps;
  }

  /** Whether the search ended because it took too long. */
  get exhausted(): boolean {
    return this.#stepsLeft <= 0;
  }

  /** Whether a way was given up because of the authorities on it. */
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
      if (--this.#stepsLeft <= 0) return;
      yield [...path, anchor];
    }
    for (const issuer of likelierFirst(this.#issuersOf(path, last), last)) {
      if (--this.#stepsLeft <= 0) return;
      const count = intermediates + (isSelfIssued(issuer) ? 0 : 1);
      if (count > this.#limits.intermediates) this.#tooLong = true;
      else yield* this.#extend([...path, issuer], count);
    }
  }

  #issuersOf(path: Path, last: Certificate): readonly Certificate[] {
    return this.#presented.filter((candidate) =>
      candidate.subject.key === last.issuer.key &&
      // The same authority twice on a path proves nothing that once does not: no cycles.
      !path.some((used) =>
        used.publicKey.spkiSha256 === candidate.publicKey.spkiSha256 &&
        used.subject.key === candidate.subject.key
      )
    );
  }
}

// Key identifiers are hints (RFC 4158 §3.5.12): they order the candidates and exclude none.
function likelierFirst(
  candidates: readonly Certificate[],
  child: Certificate,
): readonly Certificate[] {
  const wanted = child.extensions.authorityKeyIdentifier?.keyIdentifier;
  if (candidates.length < 2 || wanted === undefined) return candidates;
  const isHit = (one: Certificate) => one.extensions.subjectKeyIdentifier === wanted;
  return [...candidates.filter(isHit), ...candidates.filter((one) => !isHit(one))];
}
