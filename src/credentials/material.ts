import type { CertificateSummary } from "../errors/mod.ts";
import type { Advice, Certificate, Denylist, TrustAnchors, VerdictMode } from "../identity/mod.ts";

/**
 * What credentials are for:
 *
 * - `mutual`: we show a certificate and require one;
 * - `one-way`: we show a certificate and ask the client for none (a worker);
 * - `trust-only`: we show none and judge the worker's (a dispatcher).
 */
export type CredentialsMode = "mutual" | "one-way" | "trust-only";

/** What can be wrong with a certificate of our own that nevertheless had to be taken. */
export type OwnCertificateFault = "key-mismatch" | "unsuitable";

/** A certificate of a bundle that is whole and breaks a rule, so that it is no anchor. */
export interface SkippedAnchor {
  /** Which bundle it is in. */
  readonly bundle: string;
  /** The trust domain of that bundle, where it has one. */
  readonly domain?: string;
  /** Its place there, counted from 1. */
  readonly place: number;
  /** The rule that it breaks, a stable word. */
  readonly rule: string;
  /** What was found. */
  readonly found: string;
  /** Its subject; absent where it could not be read. */
  readonly subject: string | undefined;
  /** The same as names are compared by, also of one that could not be read. */
  readonly subjectKey: string;
}

/** Our own certificate, with its chain and its private key. */
export class OwnCertificate {
  /** The chain in PEM, leaf first, as it is sent. */
  readonly certPem: string;
  /** The chain in DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  /** Our leaf. */
  readonly leaf: Certificate;
  /** What follows it in the chain. */
  readonly authorities: readonly Certificate[];
  /** What a person may know of the leaf. */
  readonly summary: CertificateSummary;
  /** What makes it useless whatever the time is; see `ownCertificateFault`. */
  readonly fault?: OwnCertificateFault;
  readonly #keyPem: string;

  /** Made from validated parts by the credentials' provider. */
  constructor(parts: OwnCertificateParts) {
    this.certPem = parts.certPem;
    this.chain = parts.chain.map(({ der }) => der);
    [this.leaf, ...this.authorities] = parts.chain;
    this.summary = parts.summary;
    if (parts.fault !== undefined) this.fault = parts.fault;
    this.#keyPem = parts.keyPem;
  }

  /** The private key in PEM. No inspection or serialisation of this object shows it. */
  get keyPem(): string {
    return this.#keyPem;
  }
}

/** What an {@linkcode OwnCertificate} is made of. */
export interface OwnCertificateParts {
  /** The chain in PEM, leaf first. */
  readonly certPem: string;
  /** The private key in PEM. */
  readonly keyPem: string;
  /** The chain as parsed, leaf first. */
  readonly chain: readonly [leaf: Certificate, ...issuers: Certificate[]];
  /** What a person may know of the leaf. */
  readonly summary: CertificateSummary;
  /** What makes it useless, where something does. */
  readonly fault?: OwnCertificateFault | undefined;
}

/** One version of the credentials as text; what a provider gives. */
export interface CredentialPem {
  /** The authorities to trust, PEM; `"system"` for the public roots. */
  readonly ca?: string;
  /** The authorities of SPIFFE trust domains, PEM by domain; each vouches for IDs of its own domain only. */
  readonly domains?: ReadonlyMap<string, string>;
  /** Our certificate and its chain, PEM, leaf first. */
  readonly cert?: string;
  /** Our private key, PEM. */
  readonly key?: string;
  /** Only one end shows a certificate: with `cert` and `key` ours, with `ca` alone the worker's. Default false. */
  readonly oneWay?: boolean;
}

/** Where our own certificate and its key were read from: a file, a variable, or both. */
export interface OwnOrigins {
  /** The certificate's. */
  readonly cert?: string | undefined;
  /** The key's. */
  readonly key?: string | undefined;
}

/** One version of the credentials: complete, checked, and never changed. */
export interface CredentialMaterial {
  /** 1 for the first, rising by one with every version adopted; 0 before it is adopted. */
  readonly generation: number;
  /** What they are for; the same in every generation. */
  readonly mode: CredentialsMode;
  /** Our own certificate; absent in mode `trust-only`. */
  readonly own?: OwnCertificate | undefined;
  /** Where our own certificate was read from. Default: text, which has no name. */
  readonly origins?: OwnOrigins | undefined;
  /** Whom we trust; absent only in mode `one-way`, where no certificate is asked for. */
  readonly anchors?: TrustAnchors | undefined;
  /**
   * The anchors in PEM, one block each, to be given to the platform explicitly; empty only without
   * `anchors`. To the platform an absent `ca` means the public roots.
   */
  readonly caPem: readonly string[];
  /** Certificates of the bundles that were skipped, for they break a rule. Default: none. */
  readonly skipped?: readonly SkippedAnchor[] | undefined;
  /** Peers that are refused although all else is well. */
  readonly denylist: Denylist;
  /** How peers are judged. Default `private`. */
  readonly verdict?: VerdictMode | undefined;
  /** What our certificate and our anchors could do better. Default: not asked. */
  readonly advice?: readonly Advice[] | undefined;
  /** SHA-256 over everything but the private key, lower-case hexadecimal; the same for the same material. */
  readonly fingerprint: string;
  /**
   * The text that it was made of, the private key included: for handing it to a process of our own, and
   * for nothing else. A function, so that no inspection or serialisation shows it.
   */
  readonly pem: () => CredentialPem;
}
