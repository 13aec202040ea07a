import type { HandshakeReason, PeerReason } from "../errors/mod.ts";

/** What an alert says about the certificate that its receiver had shown; `undefined`: it will not do, and no more. */
const ABOUT_CERTIFICATE: ReadonlyMap<string, PeerReason | undefined> = new Map([
  ["bad_certificate", undefined],
  ["certificate_unknown", undefined],
  ["unsupported_certificate", "certificate-unsuitable"],
  ["certificate_revoked", "certificate-denied"],
  ["certificate_expired", "certificate-expired"],
  ["unknown_ca", "untrusted-authority"],
  ["access_denied", "subject-not-allowed"],
]);

/** Alerts of a peer that asked for a certificate and got none; the first is what TLS 1.2 servers send. */
const CERTIFICATE_WANTED: ReadonlySet<string> = new Set([
  "bad_certificate",
  "certificate_required",
]);

/** Alerts that leave no doubt: version, cipher or ALPN. */
const NOTHING_IN_COMMON: ReadonlySet<string> = new Set([
  "protocol_version",
  "insufficient_security",
  "no_application_protocol",
]);

/** What a received alert means. */
export interface AlertMeaning {
  /** In one word of the vocabulary. */
  readonly reason: HandshakeReason;
  /** What it says about our certificate, where it says something. */
  readonly peerReason?: PeerReason;
}

/** What an alert from a worker means to the dispatcher that dialled it. */
export function alertFromWorker(
  alert: string,
  seen: { readonly sentCertificate: boolean; readonly answeredHello: boolean },
): AlertMeaning {
  if (nothingInCommon(alert, seen.answeredHello)) return { reason: "protocol-mismatch" };
  if (alert === "certificate_required") return { reason: "client-certificate-required" };
  if (!seen.sentCertificate) {
    return { reason: CERTIFICATE_WANTED.has(alert) ? "client-certificate-required" : "tls-alert" };
  }
  if (!ABOUT_CERTIFICATE.has(alert)) return { reason: "tls-alert" };
  const peerReason = ABOUT_CERTIFICATE.get(alert);
  return {
    reason: "client-certificate-refused",
    ...(peerReason === undefined ? {} : { peerReason }),
  };
}

/** What an alert from a client means to the worker it connected to; the worker's certificate is what it had seen. */
export function alertFromClient(
  alert: string,
  seen: { readonly answeredHello: boolean },
): { readonly reason: HandshakeReason | "subject-not-allowed"; readonly peerReason?: PeerReason } {
  if (nothingInCommon(alert, seen.answeredHello)) return { reason: "protocol-mismatch" };
  const peerReason = ABOUT_CERTIFICATE.get(alert);
  return peerReason === undefined ? { reason: "tls-alert" } : { reason: peerReason, peerReason };
}

/** `handshake_failure` is about versions and ciphers only where it is the whole answer to a hello (RFC 8446 §6.2). */
function nothingInCommon(alert: string, answeredHello: boolean): boolean {
  return NOTHING_IN_COMMON.has(alert) || (alert === "handshake_failure" && answeredHello);
}
