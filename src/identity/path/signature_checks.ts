import type { Certificate } from "../certificate/certificate.ts";
import type { Work } from "../certificate/work.ts";
import type { ProvenSignatures } from "./proven_signatures.ts";
import type { Steps } from "./check.ts";
import { ORDINARY_COST, SignatureCheck, signatureCost } from "./signature.ts";

/**
 * How many signatures of authorities count no more than a P-256 check of the budget, where they hold and as far as
 * the budget returns it: each is remembered, so that its cost falls once on all peers under that authority, and only
 * an authority can make one.
 */
const SHARED_CHECKS = 3;

/** Makes as many signature checks as the budget allows, and none twice. */
export class SignatureChecks {
  readonly #work: Work;
  readonly #proven: ProvenSignatures;
  readonly #now: number;
  readonly #outcomes = new Map<string, boolean>();
  #shared = 0;

  constructor(work: Work, proven: ProvenSignatures, now: number) {
    this.#work = work;
    this.#proven = proven;
    this.#now = now;
  }

  /**
   * The certificate of a path that is not shown to be signed by the next; none where all are. Yields
   * every check that takes time.
   */
  *firstUnproven(path: readonly Certificate[]): Steps<Certificate | undefined> {
    // From the anchor down: what no trusted authority has signed is found out at the first check.
    for (let i = path.length - 2; i >= 0; i--) {
      const holds = yield* this.#holds(path[i]!, path[i + 1]!);
      if (!holds) return path[i];
      if (i > 0) this.#proven.add(path[i]!, path[i + 1]!);
    }
    return undefined;
  }

  /** Remembers the signatures of an accepted path. */
  remember(path: readonly Certificate[]): void {
    for (let i = 0; i + 1 < path.length; i++) this.#proven.add(path[i]!, path[i + 1]!);
  }

  *#holds(certificate: Certificate, issuer: Certificate): Steps<boolean> {
    if (this.#proven.has(certificate, issuer, this.#now)) return true;
    const pair = certificate.fingerprint + issuer.publicKey.spkiSha256;
    const known = this.#outcomes.get(pair);
    if (known !== undefined) return known;
    const cost = signatureCost(issuer.publicKey);
    if (!this.#work.allows("signature", cost)) return false;
    const outcome = yield new SignatureCheck(certificate, issuer);
    this.#outcomes.set(pair, outcome);
    const isAuthority = certificate.extensions.basicConstraints?.ca === true;
    if (outcome && isAuthority && this.#shared++ < SHARED_CHECKS) {
      this.#work.giveBack(Math.max(0, cost - ORDINARY_COST));
    }
    return outcome;
  }
}
