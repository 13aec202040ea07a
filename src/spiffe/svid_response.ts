import {
  type CredentialPem,
  type CredentialRejection,
  rejection,
  writePem,
} from "../credentials/mod.ts";
import { escapePeerText } from "../errors/mod.ts";
import type { X509SVID, X509SVIDResponse } from "../gen/spiffe/mod.ts";
import {
  isCertificateFault,
  parseCertificate,
  parseSpiffeId,
  type SpiffeId,
  spiffeIdOf,
} from "../identity/mod.ts";
import { splitDer } from "./der_sequence.ts";
import { chosenSvid, describeChoice, type SvidChoice } from "./svid_choice.ts";

/** The result of reading a response of the SPIFFE Workload API. */
export interface WorkloadCredentials {
  /** Marks the value among what a response may give. */
  readonly kind: "read";
  /** The identity chosen, and whom it trusts. */
  readonly pem: CredentialPem;
  /** Why federated domains, or certificates of theirs, are left out: what is wrong with them must not keep ours from us. */
  readonly untrusted: readonly CredentialRejection[];
}

/** Reads a response; certificates are only separated, `assemble` looks into them. */
export function readSvids(
  { svids, federatedBundles }: X509SVIDResponse,
  choice: SvidChoice,
): WorkloadCredentials | CredentialRejection {
  const svid = chosenSvid(svids, choice);
  if (svid === undefined) {
    const given = svids.map(({ spiffeId }) => escapePeerText(spiffeId)).slice(0, 8).join(", ");
    return incomplete(`it gives no identity ${describeChoice(choice)}, but ${given || "none"}`);
  }
  const id = parseSpiffeId(svid.spiffeId);
  if (id === undefined || id.segments.length === 0) {
    return malformed("cert", `${escapePeerText(svid.spiffeId)} is not a workload's SPIFFE ID`);
  }
  const cert = chainOf(svid, id);
  if (typeof cert !== "string") return cert;
  const bundle = splitDer(svid.bundle);
  if (bundle === undefined) return malformed("ca", `the bundle of ${id.trustDomain} is not DER`);
  if (bundle.length === 0) return incomplete(`the bundle of ${id.trustDomain} is empty`);
  const federated = federatedOf(federatedBundles, id.trustDomain);
  return {
    kind: "read",
    pem: {
      cert,
      key: writePem("PRIVATE KEY", svid.x509SvidKey),
      domains: new Map([[id.trustDomain, pemOf(bundle)], ...federated.domains]),
    },
    untrusted: federated.untrusted,
  };
}

/** The chain in PEM, whose leaf must be who the message says. */
function chainOf({ x509Svid, x509SvidKey }: X509SVID, id: SpiffeId): string | CredentialRejection {
  if (x509SvidKey.length === 0) return incomplete(`${id.text} comes without its private key`);
  const chain = splitDer(x509Svid);
  const [der] = chain ?? [];
  if (chain === undefined || der === undefined) {
    return malformed("cert", `the chain of ${id.text} is empty or not DER`);
  }
  const leaf = parseCertificate(der);
  if (isCertificateFault(leaf)) return malformed("cert", `${id.text}: ${leaf.found}`);
  if (spiffeIdOf(leaf)?.text !== id.text) {
    return malformed("cert", `the certificate given for ${id.text} does not bear that ID`);
  }
  return pemOf(chain);
}

interface Federated {
  readonly domains: readonly (readonly [domain: string, pem: string])[];
  readonly untrusted: readonly CredentialRejection[];
}

function federatedOf(
  bundles: Readonly<Record<string, Uint8Array>>,
  ownDomain: string,
): Federated {
  const domains: [string, string][] = [];
  const untrusted: CredentialRejection[] = [];
  // Sorted: the order of a map on the wire is chance, and must not look like a change.
  for (const [key, der] of Object.entries(bundles).sort(([a], [b]) => a < b ? -1 : 1)) {
    const domain = foreignDomain(key, ownDomain);
    const certificates = splitDer(der);
    const whose = `the federated bundle of ${escapePeerText(key)}`;
    const { usable = [], fault }: UsableAnchors = domain.fault === undefined
      ? usableOf(certificates)
      : { fault: domain.fault };
    if (usable.length > 0 && domain.name !== undefined) {
      domains.push([domain.name, pemOf(usable)]);
      if (fault !== undefined) untrusted.push(malformed("ca", `${whose}: ${fault}; it is skipped`));
    } else untrusted.push(malformed("ca", `${whose}: ${fault}; nobody is trusted by it`));
  }
  return { domains, untrusted };
}

type ForeignDomain =
  | { readonly name: string; readonly fault?: undefined }
  | { readonly name?: undefined; readonly fault: string };

function foreignDomain(key: string, ownDomain: string): ForeignDomain {
  const id = parseSpiffeId(key);
  if (id === undefined || id.segments.length > 0) {
    return { fault: "that is not a trust domain's SPIFFE ID" };
  }
  if (id.trustDomain === ownDomain) return { fault: "that is our own domain, not a foreign one" };
  return { name: id.trustDomain };
}

interface UsableAnchors {
  readonly usable?: readonly Uint8Array[];
  /** What is wrong with the first that cannot be used, or with all. */
  readonly fault?: string;
}

function usableOf(certificates: readonly Uint8Array[] | undefined): UsableAnchors {
  if (certificates === undefined) return { fault: "it is not DER" };
  if (certificates.length === 0) return { fault: "it is empty" };
  const faults: string[] = [];
  const usable = certificates.filter((der, index) => {
    const certificate = parseCertificate(der);
    const fault = isCertificateFault(certificate) ? certificate : certificate.faults[0];
    if (fault !== undefined) faults.push(`certificate ${index}: ${fault.found}`);
    return fault === undefined;
  });
  const [fault] = faults;
  return fault === undefined ? { usable } : { usable, fault };
}

function pemOf(certificates: readonly Uint8Array[] = []): string {
  return certificates.map((der) => writePem("CERTIFICATE", der)).join("");
}

function incomplete(found: string): CredentialRejection {
  return rejection("incomplete", "provider", found);
}

function malformed(setting: "cert" | "ca", found: string): CredentialRejection {
  return rejection("malformed", setting, found);
}
