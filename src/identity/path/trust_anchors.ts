import { createHash } from "node:crypto";
import { unusable } from "../../errors/mod.ts";
import type { Certificate } from "../certificate/certificate.ts";
import type { DistinguishedName } from "../certificate/distinguished_name.ts";
import { isMisspeltSpiffeId } from "../certificate/general_name.ts";
import type { PublicKey } from "../certificate/public_key.ts";
import { ProvenSignatures } from "./proven_signatures.ts";

/** Where trust comes from. At least one anchor must be given. */
export interface TrustSources {
  /**
   * An ordinary `ca` bundle. Its anchors vouch for DNS, IP, URI and common names, and for SPIFFE
   * IDs as {@linkcode TrustAnchors.vouchesForDomain} says. Default: none.
   */
  readonly bundle?: readonly Certificate[];
  /** Anchors by SPIFFE trust domain: each vouches for IDs of that domain, and for nothing else. Default: none. */
  readonly domains?: ReadonlyMap<string, readonly Certificate[]>;
  /** The public roots (`ca: "system"`): they vouch for all but SPIFFE IDs and common names. Default: none. */
  readonly publicRoots?: readonly Certificate[];
  /** Our own trust domain: that of our certificate's SPIFFE ID. Default: none, we are not in one. */
  readonly localDomain?: string;
}

/**
 * The authorities one generation of credentials trusts, and what each may vouch for.
 *
 * It also remembers the signatures that were proven; the next generation takes them over.
 */
export class TrustAnchors {
  /** Every anchor once, in the order given. */
  readonly all: readonly Certificate[];
  /** Our own trust domain, where we are in one. */
  readonly localDomain: string | undefined;
  /** The signatures already proven under these anchors. */
  readonly proven: ProvenSignatures = new ProvenSignatures();
  readonly #sources: TrustSources;
  readonly #bySubject: ReadonlyMap<string, readonly Certificate[]>;
  readonly #domainsOf = new Map<string, Set<string>>();
  readonly #domainsOfKey = new Map<string, Set<string>>();
  readonly #hostKeys: ReadonlySet<string>;
  readonly #claimed = new Set<string>();
  readonly #given: ReadonlySet<string>;
  readonly #labelled: ReadonlySet<string>;
  readonly #fingerprints: ReadonlySet<string>;
  readonly #lengths: ReadonlySet<number>;
  readonly #forHosts: ReadonlySet<string>;
  readonly #bundle: readonly Certificate[];
  readonly #public: ReadonlySet<string>;

  /**
   * Gathers anchors.
   *
   * @throws {ConfigurationError} where there is not a single one.
   */
  constructor(sources: TrustSources) {
    const { bundle = [], domains = new Map(), publicRoots = [] } = sources;
    this.all = distinct([...bundle, ...[...domains.values()].flat(), ...publicRoots]);
    if (this.all.length === 0) {
      throw unusable("ca", "no certificate authority is given; no peer could be trusted");
    }
    this.#sources = sources;
    this.localDomain = sources.localDomain;
    this.#bySubject = Map.groupBy(this.all, (anchor) => anchor.subject.key);
    this.#fingerprints = fingerprints(this.all);
    this.#lengths = new Set(this.all.map(({ der }) => der.length));
    this.#bundle = bundle;
    this.#forHosts = fingerprints([...bundle, ...publicRoots]);
    this.#public = fingerprints(publicRoots);
    this.#hostKeys = new Set(
      [...bundle, ...publicRoots].map(({ publicKey }) => publicKey.spkiSha256),
    );
    this.#given = new Set(domains.keys());
    this.#labelled = fingerprints([...domains.values()].flat());
    for (const [domain, anchors] of domains) {
      for (const anchor of anchors) this.#bind(anchor, domain);
    }
    for (const anchor of bundle) {
      if (!this.#domainsOf.has(anchor.fingerprint)) this.#bindToOwnId(anchor);
    }
  }

  /** The same authorities, as those trust them whose own trust domain is this. */
  inDomain(localDomain: string | undefined): TrustAnchors {
    if (localDomain === this.localDomain) return this;
    const { localDomain: _, ...sources } = this.#sources;
    return new TrustAnchors({ ...sources, ...(localDomain === undefined ? {} : { localDomain }) });
  }

  /** The anchors that an operator chose one by one; no advice is given on the public roots. */
  get advised(): readonly Certificate[] {
    return this.all.filter(({ fingerprint }) => !this.#public.has(fingerprint));
  }

  /**
   * The roots of other trust domains than ours, by domain, that were given without a domain: by the SPIFFE ID that
   * each bears they vouch for that domain, and as members of the bundle for host names, too.
   */
  get unlabelled(): ReadonlyMap<string, Certificate> {
    const roots = new Map<string, Certificate>();
    for (const anchor of this.#bundle) {
      for (const domain of this.#domainsOf.get(anchor.fingerprint) ?? []) {
        if (!this.#given.has(domain) && !roots.has(domain)) roots.set(domain, anchor);
      }
    }
    if (this.localDomain !== undefined) roots.delete(this.localDomain);
    // Of the roots of one domain alone those may be ours, where we are in none.
    return roots.size === 1 && this.localDomain === undefined ? new Map() : roots;
  }

  /** Whether the anchor is one of the public roots, under which the rules of the public web hold. */
  isPublic(anchor: Certificate): boolean {
    return this.#public.has(anchor.fingerprint);
  }

  /** The anchors of that subject name. */
  named(subject: DistinguishedName): readonly Certificate[] {
    return this.#bySubject.get(subject.key) ?? [];
  }

  /** Whether the certificate, byte for byte, is an anchor. */
  has(certificate: Certificate): boolean {
    return this.#fingerprints.has(certificate.fingerprint);
  }

  /** Whether these bytes are an anchor. */
  hasDer(der: Uint8Array): boolean {
    return this.#lengths.has(der.length) &&
      this.#fingerprints.has(createHash("sha256").update(der).digest("hex"));
  }

  /**
   * Whether a certificate of a path lets it vouch for DNS, IP, URI and email names: the anchor of the path
   * where it was given for them, and any other whose key is not an anchor of SPIFFE IDs alone.
   */
  vouchesForHosts(certificate: Certificate, anchor: Certificate): boolean {
    return certificate === anchor
      ? this.#forHosts.has(anchor.fingerprint)
      : !this.#domainsOfKey.has(certificate.publicKey.spkiSha256) ||
        this.#hostKeys.has(certificate.publicKey.spkiSha256);
  }

  /** Whether the anchor vouches for common names: those of the public roots mean nothing here. */
  vouchesForCommonNames(anchor: Certificate): boolean {
    return this.#forHosts.has(anchor.fingerprint) && !this.#public.has(anchor.fingerprint);
  }

  /** Whether a key is that of an anchor bound to trust domains, and to other ones than this. */
  isBoundElsewhere({ spkiSha256 }: PublicKey, domain: string): boolean {
    return this.#domainsOfKey.get(spkiSha256)?.has(domain) === false;
  }

  /** Whether the anchor was given for trust domains, whatever it says of itself. */
  isLabelled(anchor: Certificate): boolean {
    return this.#labelled.has(anchor.fingerprint);
  }

  /**
   * Whether the anchor vouches for SPIFFE IDs of a trust domain:
   *
   * 1. one that was given *for* domains, for those alone;
   * 2. one of the bundle that bears a SPIFFE ID itself, for the domain of that ID alone; where the ID is
   *    misspelt, for none;
   * 3. a public root, for none;
   * 4. any other of the bundle, for the local domain alone; and where we are in no domain, for
   *    every domain that has no anchor of its own by 1 or 2 (a pattern still names its domain).
   */
  vouchesForDomain(anchor: Certificate, domain: string): boolean {
    const bound = this.#domainsOf.get(anchor.fingerprint);
    if (bound !== undefined) return bound.has(domain);
    if (this.#public.has(anchor.fingerprint)) return false;
    if (this.localDomain !== undefined) return domain === this.localDomain;
    return !this.#claimed.has(domain);
  }

  /**
   * Whether `"*"` means SPIFFE IDs of that domain: our own alone, and where we are in none,
   * any that was not given as a domain with anchors of its own.
   */
  isLocal(domain: string): boolean {
    return this.localDomain === undefined ? !this.#given.has(domain) : domain === this.localDomain;
  }

  #bindToOwnId(anchor: Certificate): void {
    for (const name of anchor.extensions.subjectAlternativeNames ?? []) {
      if (name.kind === "uri" && name.spiffeId !== undefined) {
        this.#bind(anchor, name.spiffeId.trustDomain);
      } else if (isMisspeltSpiffeId(name)) {
        // Some domain's, nobody can say which: it must not become a root of ours.
        this.#bind(anchor, undefined);
      }
    }
  }

  #bind(anchor: Certificate, domain: string | undefined): void {
    const domains = this.#domainsOf.get(anchor.fingerprint) ?? new Set();
    this.#domainsOf.set(anchor.fingerprint, domains);
    const { spkiSha256 } = anchor.publicKey;
    const ofKey = this.#domainsOfKey.get(spkiSha256) ?? new Set();
    this.#domainsOfKey.set(spkiSha256, ofKey);
    if (domain === undefined) return;
    domains.add(domain);
    ofKey.add(domain);
    this.#claimed.add(domain);
  }
}

function distinct(certificates: readonly Certificate[]): readonly Certificate[] {
  return [...new Map(certificates.map((one) => [one.fingerprint, one])).values()];
}

function fingerprints(certificates: readonly Certificate[]): ReadonlySet<string> {
  return new Set(certificates.map(({ fingerprint }) => fingerprint));
}
