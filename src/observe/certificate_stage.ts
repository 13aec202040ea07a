import type { CredentialsExpiring } from "./events/security_events.ts";

/** How far a certificate has lived, where that is worth an event. */
export type CertificateStage = CredentialsExpiring["stage"];

/**
 * The stage that a certificate is in, and when the next begins; `Infinity` after the last.
 *
 * @param notBefore When it begins to hold, in milliseconds since the epoch.
 * @param expiry The first moment at which it no longer holds.
 */
export function certificateStage(
  notBefore: number,
  expiry: number,
  now: number,
): { readonly stage: CertificateStage | undefined; readonly nextAt: number } {
  const lifetime = expiry - notBefore;
  const twoThirds = notBefore + Math.floor(lifetime * 2 / 3);
  const nearlyOver = notBefore + Math.floor(lifetime * 9 / 10);
  if (now < twoThirds) return { stage: undefined, nextAt: twoThirds };
  if (now < nearlyOver) return { stage: "two-thirds", nextAt: nearlyOver };
  if (now < expiry) return { stage: "nearly-over", nextAt: expiry };
  return { stage: "expired", nextAt: Infinity };
}
