/** Why a certificate, or a chain, cannot be used: a rule and what broke it. A value, never thrown. */
export interface CertificateFault {
  /** Marks the value as a fault among certificates. */
  readonly kind: "certificate-fault";
  /** The broken rule, a stable word such as `certificate.version` or `san.dns`. */
  readonly rule: string;
  /** One sentence: what was found. Text from the certificate is escaped and capped. */
  readonly found: string;
}

/** Makes a fault of a rule and what was found. */
export function certificateFault(rule: string, found: string): CertificateFault {
  return { kind: "certificate-fault", rule, found };
}

/** Tells a fault from the value that a parser would have returned. */
export function isCertificateFault(value: unknown): value is CertificateFault {
  return typeof value === "object" && value !== null && "kind" in value &&
    value.kind === "certificate-fault";
}
