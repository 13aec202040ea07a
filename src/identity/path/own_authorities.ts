import type { Certificate } from "../certificate/certificate.ts";
import { DEFAULT_VERDICT_LIMITS } from "./limits.ts";
import { isSignedBy } from "./signature.ts";
import type { TrustAnchors } from "./trust_anchors.ts";

/**
 * Proves the signatures of the authorities in our own chain before any peer comes: most peers are of the
 * same ones, and the first verdict on each then takes one signature check instead of two.
 *
 * It vouches for no peer: a path over these authorities is judged by every rule like any other.
 *
 * @param authorities What follows the leaf in our chain, each signed by the next; as far as they lead
 * to an anchor their signatures are remembered.
 */
export function proveOwnAuthorities(
  authorities: readonly Certificate[],
  anchors: TrustAnchors,
): void {
  let above: Certificate | undefined;
  for (const authority of authorities.slice(0, DEFAULT_VERDICT_LIMITS.certificates).reverse()) {
    if (!anchors.has(authority)) {
      const issuers = [
        ...anchors.named(authority.issuer),
        ...above === undefined ? [] : [above],
      ];
      const issuer = issuers.find((candidate) => isSignedBy(authority, candidate));
      if (issuer === undefined) return;
      anchors.proven.add(authority, issuer);
    }
    above = authority;
  }
}
