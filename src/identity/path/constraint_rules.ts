import { type Certificate, isSelfIssued } from "../certificate/certificate.ts";
import { ATTRIBUTE, valuesOf } from "../certificate/distinguished_name.ts";
import type { GeneralName } from "../certificate/general_name.ts";
import { isHostName } from "../names/host_name.ts";
import { constraintAgainst } from "../certificate/name_constraints.ts";
import type { Work } from "../certificate/work.ts";
import { type PathFault, unsuitable } from "./path_fault.ts";
import type { Path } from "./path_rules.ts";

/**
 * What the name constraints of the authorities have against the names below them (RFC 5280 §6.1.3 (b) and (c)),
 * self-issued authorities excepted.
 */
export function constraintFault(path: Path, work: Work): PathFault | undefined {
  const constraining = path.flatMap(({ extensions: { nameConstraints } }, i) =>
    nameConstraints === undefined ? [] : [{ nameConstraints, i }]
  );
  if (constraining.length === 0) return undefined;
  for (const [place, certificate] of path.entries()) {
    if (place > 0 && isSelfIssued(certificate)) continue;
    const names = constrainedNames(certificate);
    for (const { nameConstraints, i } of constraining) {
      if (i <= place) continue;
      for (const name of names) {
        const against = constraintAgainst(nameConstraints, name, work);
        if (against !== undefined) {
          const found = `by the name constraints of its authority, ${against}`;
          return unsuitable(certificate, "path.name-constraints", found);
        }
      }
    }
  }
  return undefined;
}

function constrainedNames({ subject, extensions }: Certificate): readonly GeneralName[] {
  const names: GeneralName[] = [...extensions.subjectAlternativeNames ?? []];
  if (subject.parts.length > 0) names.push({ kind: "directory", name: subject });
  // RFC 5280 §4.2.1.10: addresses of the subject count where the alternative names have none.
  if (!names.some(({ kind }) => kind === "email")) {
    for (const mailbox of valuesOf(subject, ATTRIBUTE.emailAddress)) {
      names.push({ kind: "email", mailbox });
    }
  }
  return names;
}

/**
 * Whether the authorities of a path may vouch for a common name. It lies in the subject, which constraints
 * of directory names judge already; where DNS names are constrained, it must be a permitted one of those, too.
 */
export function isCommonNamePermitted(path: Path, commonName: string, work: Work): boolean {
  const asHost: GeneralName = isHostName(commonName)
    ? { kind: "dns", name: commonName }
    : { kind: "unusable", of: "dns", text: commonName };
  return path.slice(1).every(({ extensions: { nameConstraints } }) =>
    nameConstraints === undefined ||
    constraintAgainst(nameConstraints, asHost, work) === undefined
  );
}
