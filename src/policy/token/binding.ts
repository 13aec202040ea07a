import { type Claims, type PresentingPeer, unauthenticated } from "./authenticator.ts";
import { fromHex, toBase64Url } from "../../platform/mod.ts";

/**
 * Checks that a token is presented by the peer it was issued to.
 *
 * A token that names a certificate (`cnf` with `x5t#S256`, RFC 8705 §3.1) is refused with any other, and without
 * one, whatever is required. A `cnf` of another kind asks for a proof that is not given here (RFC 7800 §3.1), so
 * that the token is refused. Where a binding is required, a token without `cnf` must name a proven name of the
 * peer as its `sub`.
 *
 * @param claims The token's claims, verified.
 * @param required Whether the token must be bound to the peer's certificate.
 * @throws {AuthenticationError} `token-not-bound`.
 */
export function checkBinding(claims: Claims, peer: PresentingPeer, required: boolean): void {
  const { cnf, sub } = claims;
  if (cnf !== undefined) return checkConfirmation(cnf, peer);
  if (!required) return;
  if (typeof sub === "string" && peer.names.some((name) => namesSame(name, sub))) return;
  throw unauthenticated(
    "token-not-bound",
    "the token is not bound to the caller's certificate, neither by cnf nor by sub",
  );
}

function checkConfirmation(cnf: unknown, { fingerprint }: PresentingPeer): void {
  const members = typeof cnf === "object" && cnf !== null ? cnf as Record<string, unknown> : {};
  const thumbprint = members["x5t#S256"];
  if (typeof thumbprint !== "string" || Object.keys(members).length !== 1) {
    throw unauthenticated("token-not-bound", "the token's cnf asks for a proof not known here");
  }
  const presented = fingerprint === undefined ? undefined : toBase64Url(fromHex(fingerprint));
  if (presented === thumbprint) return;
  throw unauthenticated("token-not-bound", "the token is bound to another certificate");
}

/** A subject is written bare, or as patterns write names: `dns:worker.internal`. */
function namesSame(name: string, sub: string): boolean {
  return name === sub || name === `dns:${sub}` || name === `uri:${sub}`;
}
