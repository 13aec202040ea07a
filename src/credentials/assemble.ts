import { createHash } from "node:crypto";
import { rootCertificates } from "node:tls";
import {
  type Certificate,
  Denylist,
  formatName,
  formatPemBundle,
  isCertificateFault,
  ownLeafFault,
  parsePemBundle,
  readPemBlocks,
  spiffeIdOf,
  summarize,
  TrustAnchors,
  type TrustSources,
} from "../identity/mod.ts";
import {
  type CredentialMaterial,
  type CredentialPem,
  type CredentialsMode,
  OwnCertificate,
  type OwnCertificateFault,
  type SkippedAnchor,
} from "./material.ts";
import { validityFault } from "./own_certificate_fault.ts";
import { readPrivateKey, withoutPrivateKeys } from "./key/private_key.ts";
import { type CredentialRejection, rejection, unsuitableMessage } from "./rejection.ts";
import { toHex } from "../platform/mod.ts";
import { present } from "../values/mod.ts";

/** The result of an attempt to make credentials of text. */
export type Assembled =
  | {
    readonly kind: "usable";
    readonly material: CredentialMaterial;
    /** What is wrong with the bundles of other trust domains, which keep those in use. Default: nothing. */
    readonly kept?: readonly CredentialRejection[];
  }
  /** Complete, but our own certificate is of no use: only taken where there is nothing else. */
  | {
    readonly kind: "own-invalid";
    readonly material: CredentialMaterial;
    readonly rejected: CredentialRejection;
    /** As of a usable one. */
    readonly kept?: readonly CredentialRejection[];
  }
  | CredentialRejection;

/** Checks everything and puts it together. */
export function assemble(pem: CredentialPem, now: number): Assembled {
  return assembledAt(readMaterial(pem), now);
}

/**
 * Checks text that never changes: what it holds is read once, and its dates are judged each time. Those who open
 * it again share the parsed certificates, the proven signatures and the platform's prepared TLS, which took more than
 * half of the processor time of a new dispatcher's first connection (`docs/performance-changes.md`).
 */
export function assembleOnce(pem: CredentialPem): (now: number) => Assembled {
  let read: CredentialMaterial | CredentialRejection | undefined;
  return (now) => assembledAt(read ??= readMaterial(pem), now);
}

function assembledAt(read: CredentialMaterial | CredentialRejection, now: number): Assembled {
  if ("kind" in read) return read;
  const rejected = read.own === undefined ? undefined : ownRejection(read.own, now);
  return rejected === undefined
    ? { kind: "usable", material: read }
    : { kind: "own-invalid", material: read, rejected };
}

function readMaterial(pem: CredentialPem): CredentialMaterial | CredentialRejection {
  const mode = modeOf(pem);
  if (typeof mode !== "string") return mode;
  const own = mode === "trust-only" ? undefined : readOwn(pem.cert ?? "", pem.key ?? "");
  if (own !== undefined && !(own instanceof OwnCertificate)) return own;
  const skipped: SkippedAnchor[] = [];
  const trusted = readTrusted(pem, own, skipped);
  if (trusted !== undefined && "kind" in trusted) return trusted;
  const anchors = trusted === undefined ? undefined : new TrustAnchors(trusted);
  return {
    generation: 0,
    mode,
    own,
    anchors,
    caPem: anchors?.all.map((anchor) => formatPemBundle([anchor])) ?? [],
    denylist: Denylist.empty,
    skipped,
    fingerprint: fingerprint(mode, own, trusted),
    pem: () => pem,
  };
}

/** The mode, or which part is missing or empty; the text itself is not parsed. */
export function modeOf(pem: CredentialPem): CredentialsMode | CredentialRejection {
  for (const setting of ["ca", "cert", "key"] as const) {
    if (pem[setting]?.trim() === "") return rejection("incomplete", setting, "it is empty");
  }
  for (const [domain, bundle] of pem.domains ?? []) {
    if (bundle.trim() !== "") continue;
    return { ...rejection("incomplete", "ca", `the bundle of ${domain} is empty`), domain };
  }
  const { cert, key } = pem;
  const trusts = pem.ca !== undefined || (pem.domains?.size ?? 0) > 0;
  if (cert !== undefined && key === undefined) {
    return rejection("incomplete", "key", "a certificate is given without its private key");
  }
  if (key !== undefined && cert === undefined) {
    return rejection("incomplete", "cert", "a private key is given without its certificate");
  }
  if (pem.oneWay === true) {
    if (cert !== undefined) return "one-way";
    if (trusts) return "trust-only";
    return rejection("incomplete", "ca", "one-way TLS needs a certificate and key, or a ca");
  }
  if (cert === undefined) {
    return rejection(
      "incomplete",
      "cert",
      "mutual TLS needs a certificate and key; a caller without one uses Credentials.trustOnly",
    );
  }
  if (!trusts) {
    return rejection("incomplete", "ca", "mutual TLS needs the ca that peers are judged by");
  }
  return "mutual";
}

function readOwn(cert: string, keyPem: string): OwnCertificate | CredentialRejection {
  // Kubernetes' credential bundles, and others, hold the key beside the chain.
  const certificates = withoutPrivateKeys(cert);
  const chain = parsePemBundle(certificates);
  if (isCertificateFault(chain)) {
    const keyAlone = certificates !== cert && chain.rule === "pem.empty";
    const found = keyAlone ? "it holds a private key and no certificate" : chain.found;
    return rejection("malformed", "cert", found);
  }
  const [leaf, ...issuers] = chain;
  if (leaf === undefined) return rejection("malformed", "cert", "it holds no certificate");
  for (const [index, { faults: [fault] }] of chain.entries()) {
    if (fault !== undefined) {
      return rejection("malformed", "cert", `certificate ${index} of the chain: ${fault.found}`);
    }
  }
  const key = readPrivateKey(keyPem);
  if ("kind" in key) return key;
  const at = chain.findIndex(({ publicKey }) => toHex(publicKey.spki) === toHex(key.spki));
  if (at > 0) {
    return rejection(
      "key-mismatch",
      "cert",
      `the certificate of the private key is number ${
        at + 1
      } of it; write that first, and then what signed it`,
    );
  }
  const fault = lastingFault(leaf, key.spki);
  return new OwnCertificate({
    certPem: formatPemBundle(chain),
    keyPem: key.pem,
    chain: [leaf, ...issuers],
    summary: summarize(leaf),
    fault,
  });
}

function lastingFault(leaf: Certificate, spki: Uint8Array): OwnCertificateFault | undefined {
  if (toHex(spki) !== toHex(leaf.publicKey.spki)) return "key-mismatch";
  return ownLeafFault(leaf) === undefined ? undefined : "unsuitable";
}

function ownRejection(own: OwnCertificate, now: number): CredentialRejection | undefined {
  if (own.fault === "key-mismatch") {
    return rejection("key-mismatch", "key", "the private key is not the certificate's");
  }
  if (own.fault === "unsuitable") {
    const fault = ownLeafFault(own.leaf);
    return rejection("unsuitable", "cert", unsuitableMessage(fault) ?? "it cannot be used for TLS");
  }
  const dates = validityFault(own.leaf, now);
  return dates && rejection(dates.reason, "cert", dates.found);
}

function readTrusted(
  pem: CredentialPem,
  own: OwnCertificate | undefined,
  skipped: SkippedAnchor[],
): TrustSources | CredentialRejection | undefined {
  const { ca, domains = new Map<string, string>() } = pem;
  if (ca === undefined && domains.size === 0) return undefined;
  const local = present({ localDomain: own && spiffeIdOf(own.leaf)?.trustDomain });
  const byDomain = new Map<string, readonly Certificate[]>();
  for (const [domain, bundle] of domains) {
    const skippedOfDomain: SkippedAnchor[] = [];
    const anchors = readBundle(bundle, `the bundle of ${domain}`, skippedOfDomain);
    if ("kind" in anchors) return { ...anchors, domain };
    for (const one of skippedOfDomain) skipped.push({ ...one, domain });
    byDomain.set(domain, anchors);
  }
  if (ca === "system") return { publicRoots: publicRoots(), domains: byDomain, ...local };
  const bundle = ca === undefined ? [] : readBundle(ca, "the bundle", skipped);
  if ("kind" in bundle) return bundle;
  return { bundle, domains: byDomain, ...local };
}

/**
 * Reads a bundle. A torn block rejects it; a whole certificate that breaks a rule is skipped, for the
 * others were chosen by the operator as well.
 */
function readBundle(
  pem: string,
  what: string,
  skipped: SkippedAnchor[],
): readonly Certificate[] | CredentialRejection {
  const blocks = readPemBlocks(pem);
  if (isCertificateFault(blocks)) return rejection("malformed", "ca", `${what}: ${blocks.found}`);
  const anchors: Certificate[] = [];
  let first: SkippedAnchor | undefined;
  for (const [index, block] of blocks.entries()) {
    const fault = isCertificateFault(block) ? block : block.faults[0];
    if (fault === undefined) {
      anchors.push(block as Certificate);
      continue;
    }
    const { rule, found } = fault;
    const { subject, subjectKey } = isCertificateFault(block)
      ? { subject: undefined, subjectKey: block.subjectKey }
      : { subject: formatName(block.subject), subjectKey: block.subject.key };
    const one = { bundle: what, place: index + 1, rule, found, subject, subjectKey };
    first ??= one;
    skipped.push(one);
  }
  if (anchors.length > 0) return anchors;
  return rejection(
    "malformed",
    "ca",
    first === undefined
      ? `${what} holds no certificate`
      : `${what} holds no certificate that can be used; the first: ${first.found}`,
  );
}

let readPublicRoots: readonly Certificate[] | undefined;

/** The public roots that are strict enough for a path; the platform's list is not ours to refuse. */
function publicRoots(): readonly Certificate[] {
  readPublicRoots ??= rootCertificates.flatMap((pem) => {
    const parsed = parsePemBundle(pem);
    return isCertificateFault(parsed) ? [] : parsed.filter(({ faults }) => faults.length === 0);
  });
  return readPublicRoots;
}

/** The private key is not part of it: a certificate has one, and hashes of it travel in events. */
function fingerprint(
  mode: CredentialsMode,
  own: OwnCertificate | undefined,
  trusted: TrustSources | undefined,
): string {
  const { bundle, domains = new Map<string, readonly Certificate[]>(), publicRoots } = trusted ??
    {};
  const parts = [
    mode,
    own?.chain.map((der) => sha256(der)) ?? [],
    own?.fault ?? "",
    // What each bundle vouches for differs, so that an anchor that moves makes another version.
    setOf(bundle),
    setOf(publicRoots),
    [...domains].map(([domain, anchors]) => [domain, setOf(anchors)]).sort(),
  ];
  return sha256(new TextEncoder().encode(JSON.stringify(parts)));
}

/** Another order of the same anchors, or one of them twice, is not another version. */
function setOf(anchors: readonly Certificate[] = []): readonly string[] {
  return [...new Set(anchors.map(({ fingerprint }) => fingerprint))].sort();
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
