import type { HandshakeReason, PeerReason } from "../../errors/mod.ts";
import type { OwnDates } from "../own_advice.ts";
import { present } from "../../values/mod.ts";

/** What an alert says about the certificate that its receiver had shown; `undefined`: it will not do, and no more. */
const ABOUT_CERTIFICATE: ReadonlyMap<string, PeerReason | undefined> = new Map([
  ["bad_certificate", undefined],
  ["certificate_unknown", undefined],
  ["unsupported_certificate", "certificate-unsuitable"],
  ["certificate_revoked", "certificate-denied"],
  ["certificate_expired", undefined],
  ["unknown_ca", "untrusted-authority"],
  ["access_denied", "subject-not-allowed"],
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

/** What an alert from a worker means to the dispatcher that dialled it, and showed `own` if anything. */
export function alertFromWorker(
  alert: string,
  seen: { readonly own: OwnDates | undefined; readonly answeredHello: boolean },
): AlertMeaning {
  if (nothingInCommon(alert, seen.answeredHello)) return { reason: "protocol-mismatch" };
  if (alert === "certificate_required") return { reason: "client-certificate-required" };
  if (seen.own === undefined) {
    // What TLS 1.2 servers send to a client that shows no certificate; there is nothing else it could be about.
    return { reason: alert === "bad_certificate" ? "client-certificate-required" : "tls-alert" };
  }
  if (!ABOUT_CERTIFICATE.has(alert)) return { reason: "tls-alert" };
  const peerReason = aboutCertificate(alert, seen.own);
  return {
    reason: "client-certificate-refused",
    ...present({ peerReason }),
  };
}

/** What an alert from a client means to the worker it connected to; the worker's certificate is what it had seen. */
export function alertFromClient(
  alert: string,
  seen: { readonly own: OwnDates; readonly answeredHello: boolean },
): { readonly reason: HandshakeReason | "subject-not-allowed"; readonly peerReason?: PeerReason } {
  if (nothingInCommon(alert, seen.answeredHello)) return { reason: "protocol-mismatch" };
  const peerReason = aboutCertificate(alert, seen.own);
  return peerReason === undefined ? { reason: "tls-alert" } : { reason: peerReason, peerReason };
}

/**
 * `certificate_expired` means "expired or not currently valid" (RFC 8446 §6.2): which of the two only our
 * own dates can tell, and where by our clock it is neither, one of the clocks is wrong and nobody can.
 */
function aboutCertificate(alert: string, own: OwnDates): PeerReason | undefined {
  if (alert !== "certificate_expired") return ABOUT_CERTIFICATE.get(alert);
  if (own.now < Date.parse(own.notBefore)) return "certificate-not-yet-valid";
  return own.now > Date.parse(own.notAfter) ? "certificate-expired" : undefined;
}

/** `handshake_failure` is about versions and ciphers only where it is the whole answer to a hello (RFC 8446 §6.2). */
function nothingInCommon(alert: string, answeredHello: boolean): boolean {
  return NOTHING_IN_COMMON.has(alert) || (alert === "handshake_failure" && answeredHello);
}
