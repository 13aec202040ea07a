import type { HandshakeEvidence } from "../errors/mod.ts";
import {
  type Certificate,
  ownLeafFault,
  type PeerRole,
  ruleText,
  unsuitableAdvice,
} from "../identity/mod.ts";
import type { CredentialMaterial } from "./material.ts";
import { present } from "../values/mod.ts";

/**
 * Why our own certificate cannot be used now, as the evidence of `own-certificate-invalid`;
 * `undefined` where it can, or where we have none. Asked before every dial and every accept.
 *
 * @param now The time, in milliseconds since the epoch.
 * @param role What we are in the connection; without it, fitness for either will do.
 */
export function ownCertificateFault(
  { own, verdict, origins }: CredentialMaterial,
  now: number,
  role?: PeerRole,
): HandshakeEvidence | undefined {
  if (own === undefined) return undefined;
  const ownFiles = [origins?.cert, origins?.key].filter((origin) => origin !== undefined);
  const seen = {
    certificate: own.summary,
    ownCertificate: own.summary,
    now: iso(now),
    ...(ownFiles.length === 0 ? {} : { ownFiles }),
  };
  if (own.fault === "key-mismatch") {
    return {
      ...seen,
      rule: "own.key-mismatch",
      found: "our private key is not our certificate's",
      advice: "write the key and the certificate that were issued together",
    };
  }
  const unsuitable = ownLeafFault(own.leaf, {
    ...present({ role, mode: verdict }),
  });
  if (unsuitable !== undefined) {
    return {
      ...seen,
      rule: "own.unsuitable",
      field: ruleText(unsuitable.rule).field,
      found: `our certificate cannot be used: ${unsuitable.found}`,
      advice: unsuitableAdvice(unsuitable.rule, own.leaf),
    };
  }
  const dates = validityFault(own.leaf, now);
  if (dates === undefined) return undefined;
  return {
    ...seen,
    rule: `own.${dates.reason}`,
    found: `our certificate cannot be used: ${dates.found}`,
    advice: dates.advice,
    clockOffBySeconds: dates.clockOffBySeconds,
  };
}

/** What the dates say against a certificate. */
export interface ValidityFault {
  /** The word for it. */
  readonly reason: "expired" | "not-yet-valid";
  /** One sentence: what was found. */
  readonly found: string;
  /** One sentence: what to do. */
  readonly advice: string;
  /** How far our clock would have to be off for the certificate to be valid; positive: ours is behind. */
  readonly clockOffBySeconds: number;
}

/** Whether the certificate is outside its dates. */
export function validityFault(
  { notBefore, notAfter }: Certificate,
  now: number,
): ValidityFault | undefined {
  if (now < notBefore) {
    const seconds = Math.ceil((notBefore - now) / 1000);
    return {
      reason: "not-yet-valid",
      found: `it is valid from ${iso(notBefore)}`,
      advice: `that is ${seconds} s in the future; is this machine's clock behind?`,
      clockOffBySeconds: seconds,
    };
  }
  // `notAfter` names the last valid second (RFC 5280 §4.1.2.5), which lasts to its end.
  if (now >= notAfter + 1000) {
    const seconds = Math.ceil((now - notAfter) / 1000);
    return {
      reason: "expired",
      found: `it expired at ${iso(notAfter)}`,
      advice: `that was ${seconds} s ago; renew it, and it is taken up without a restart`,
      clockOffBySeconds: -seconds,
    };
  }
  return undefined;
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
