import type { HandshakeEvidence } from "../errors/mod.ts";
import {
  type Certificate,
  expiredAuthority,
  formatName,
  ownLeafFault,
  type PeerRole,
  ruleText,
  unsuitableAdvice,
} from "../identity/mod.ts";
import type { CredentialMaterial } from "./material.ts";
import { durationText, present } from "../values/mod.ts";

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

/**
 * The authority of our chain that has expired, as evidence of `own-certificate-invalid`, where peers that trust our own
 * authorities would refuse us for it: such a version is not adopted. No dial asks, since others may be trusted there.
 *
 * @param now The time, in milliseconds since the epoch.
 * @param role What we are in the connection.
 */
export function ownAuthorityFault(
  { own, anchors, verdict }: CredentialMaterial,
  now: number,
  role: PeerRole,
): HandshakeEvidence | undefined {
  if (own === undefined || anchors === undefined) return undefined;
  const chain = [own.leaf, ...own.authorities];
  const fault = expiredAuthority(chain, anchors, now, { role, ...present({ mode: verdict }) });
  if (fault === undefined) return undefined;
  return {
    rule: "own.expired",
    found: `cert: ${expiredAuthorityText(fault)}`,
    advice:
      "show a certificate of that authority that is valid now, or have ours issued by another",
    now: iso(now),
    ownCertificate: own.summary,
  };
}

/** What is said of an authority of our chain that has expired. */
export function expiredAuthorityText(
  { certificate, found }: NonNullable<ReturnType<typeof expiredAuthority>>,
): string {
  const name = certificate === undefined ? "" : ` "${formatName(certificate.subject)}"`;
  return `the authority${name} of its chain: ${found}`;
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
      advice: `that is ${
        durationText(seconds * 1_000)
      } in the future; is this machine's clock behind?`,
      clockOffBySeconds: seconds,
    };
  }
  // `notAfter` names the last valid second (RFC 5280 §4.1.2.5), which lasts to its end.
  if (now >= notAfter + 1000) {
    const seconds = Math.ceil((now - notAfter) / 1000);
    return {
      reason: "expired",
      found: `it expired at ${iso(notAfter)}`,
      advice: `that was ${
        durationText(seconds * 1_000)
      } ago; renew it, and it is taken up without a restart`,
      clockOffBySeconds: -seconds,
    };
  }
  return undefined;
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
