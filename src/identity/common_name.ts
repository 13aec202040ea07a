import type { Certificate } from "./certificate/certificate.ts";
import { type CertificateFault, certificateFault } from "./certificate/certificate_fault.ts";
import { ATTRIBUTE, valuesOf } from "./certificate/distinguished_name.ts";
import { isWithin } from "./names/host_name.ts";
import { formatAddress } from "./names/ip_address.ts";
import type { NameMatch } from "./name_match.ts";
import { type PathFault, unsuitable } from "./path/path_fault.ts";
import type { PeerRole } from "./path/peer_role.ts";
import { escapePeerText } from "../errors/mod.ts";

/**
 * A server's common name is never matched. But where it reads as a host beside DNS names it must be
 * one of them to the letter, or a domain above one; and likewise as an address beside addresses
 * (CA/Browser Forum BR 7.1.4.3): a certificate must not be one host to us and another to those who
 * still read the common name.
 */
export function commonNameFault(
  leaf: Certificate,
  match: NameMatch,
  role: PeerRole,
): PathFault | undefined {
  if (role !== "server" || (match.kind !== "dns" && match.kind !== "ip")) return undefined;
  const [fault] = commonNameAdvice(leaf);
  return fault && unsuitable(leaf, fault.rule, fault.found);
}

/** The common name of a leaf that is a host or an address and not among its names. */
export function commonNameAdvice(leaf: Certificate): readonly CertificateFault[] {
  const names = leaf.extensions.subjectAlternativeNames ?? [];
  const hosts = names.flatMap((name) => name.kind === "dns" ? [name.name] : []);
  const addresses = names.flatMap((name) =>
    name.kind === "ip" ? [formatAddress(name.address)] : []
  );
  for (const commonName of valuesOf(leaf.subject, ATTRIBUTE.commonName)) {
    const rivals = isAddress(commonName) ? addresses : isHost(commonName) ? hosts : [];
    if (rivals.length > 0 && !rivals.some((name) => isWithin(name, commonName))) {
      const shown = `its common name "${escapePeerText(commonName)}"`;
      const found = `${shown} is a host that is not among its names`;
      return [certificateFault("subject.common-name", found)];
    }
  }
  return [];
}

/** Dotted numbers, groups with colons, or one hexadecimal number: an address in whatever spelling. */
function isAddress(text: string): boolean {
  return /^\d+(\.\d+){3}$|^[0-9a-f]*:[0-9a-f:.]*$|^0x[0-9a-f]+$/i.test(text);
}

/** A dotted name, in any script. */
function isHost(text: string): boolean {
  return text.includes(".") && !/[\s/@:]/.test(text) && !/^\.|\.\.|\.$/.test(text);
}
