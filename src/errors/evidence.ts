/** What a person may know of a certificate: names, dates and fingerprint, never key material. */
export interface CertificateSummary {
  /** Distinguished name, as RFC 4514 writes it, escaped and capped. */
  readonly subject: string;
  /** Distinguished name of the issuer. */
  readonly issuer: string;
  /** Serial number, lower-case hexadecimal. */
  readonly serial: string;
  /** SHA-256 over the DER, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** Subject alternative names as patterns write them: `dns:a.b`, `spiffe://…`, `uri:…`, `ip:…`. */
  readonly names: readonly string[];
  /** First instant of validity, ISO 8601. */
  readonly notBefore: string;
  /** Last instant of validity, ISO 8601. */
  readonly notAfter: string;
}

/** What a certificate could do better. It refuses no peer, unless the verdict is `strict`. */
export interface CertificateAdvice {
  /** The rule, a stable word such as `leaf.key-usage`. */
  readonly rule: string;
  /** The field or extension, as RFC 5280 names it: `keyUsage`. */
  readonly field: string;
  /** One sentence: what was found. */
  readonly found: string;
  /** One sentence: what the specification asks, with its section. */
  readonly asks: string;
  /** The setting of that issuer that gives it; of the common issuers where that is unknown. */
  readonly setting: string;
  /** Whether `verdict: "strict"` refuses the certificate for it. */
  readonly refusedIfStrict: boolean;
  /** The certificate. */
  readonly certificate: CertificateSummary;
  /** What it stands for in its chain. */
  readonly place: "leaf" | "intermediate" | "anchor";
}

/** What was seen when a handshake failed: enough for a person to act on. */
export interface HandshakeEvidence {
  /** The rule that was broken, a stable word such as `path.signature` or `name.no-match`. */
  readonly rule?: string;
  /** The field or extension that the rule is about, as RFC 5280 names it. */
  readonly field?: string;
  /** One sentence: what was found. */
  readonly found?: string;
  /** One sentence: what to do about it. */
  readonly advice?: string;
  /** The identity patterns that were expected. */
  readonly expected?: readonly string[];
  /** The names the peer presented. */
  readonly presented?: readonly string[];
  /** The certificate at fault. */
  readonly certificate?: CertificateSummary;
  /** Its place in the presented chain, 0 being the leaf. */
  readonly certificateIndex?: number;
  /** The issuer that was looked for and not found among the anchors. */
  readonly issuerWanted?: string;
  /** The anchors that were available. */
  readonly anchors?: readonly { readonly subject: string; readonly fingerprint: string }[];
  /** Our clock when the decision fell, ISO 8601. */
  readonly now?: string;
  /** How far our clock would have to be off for the certificate to be valid, in seconds; positive: ours is behind. */
  readonly clockOffBySeconds?: number;
  /** The TLS alert received, by its name in RFC 8446 §6. */
  readonly alert?: string;
  /** The platform's error code, where it was all there was. */
  readonly code?: string;
  /** Our own certificate's state. */
  readonly ownCertificate?: CertificateSummary;
  /** The files or variables that our certificate and its key were read from; they stay in this process. */
  readonly ownFiles?: readonly string[];
}
