import type { DistinguishedName } from "./distinguished_name.ts";
import type { OtherNameForm } from "./general_name.ts";

/** One subtree of names, RFC 5280 §4.2.1.10. */
export type Subtree =
  | { readonly kind: "dns"; readonly base: string }
  | { readonly kind: "ip"; readonly address: Uint8Array; readonly mask: Uint8Array }
  | { readonly kind: "uri"; readonly host: string }
  | { readonly kind: "email"; readonly base: string }
  | { readonly kind: "directory"; readonly base: DistinguishedName }
  | { readonly kind: "other"; readonly form: OtherNameForm };

/** The names an authority may, and may not, vouch for. */
export interface NameConstraints {
  readonly permitted: readonly Subtree[];
  readonly excluded: readonly Subtree[];
}
