import type { GeneralName } from "./general_name.ts";
import type { NameConstraints } from "./name_constraints.ts";

/** The purposes of RFC 5280 §4.2.1.3. */
export type KeyUsage =
  | "digitalSignature"
  | "contentCommitment"
  | "keyEncipherment"
  | "dataEncipherment"
  | "keyAgreement"
  | "keyCertSign"
  | "cRLSign"
  | "encipherOnly"
  | "decipherOnly";

/** The extensions a verdict looks at; what is absent is `undefined`. */
export interface Extensions {
  readonly basicConstraints:
    | { readonly ca: boolean; readonly pathLength: number | undefined; readonly critical: boolean }
    | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Extended key usages, dotted decimal. */
  readonly extendedKeyUsage:
    | { readonly purposes: ReadonlySet<string>; readonly critical: boolean }
    | undefined;
  readonly subjectAlternativeNames: readonly GeneralName[] | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  /** Hexadecimal. */
  readonly subjectKeyIdentifier: string | undefined;
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | undefined;
}

/** RFC 5280 §4.2.1.1. */
export interface AuthorityKeyIdentifier {
  /** Hexadecimal. */
  readonly keyIdentifier: string | undefined;
  /** Whether the issuer's name and serial are given beside or instead. */
  readonly namesIssuer: boolean;
}
