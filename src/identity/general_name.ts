import type { DistinguishedName } from "./distinguished_name.ts";
import type { SpiffeId } from "./spiffe_id.ts";

/** One subject alternative name, parsed from DER. */
export type GeneralName =
  | { readonly kind: "dns"; readonly name: string }
  | { readonly kind: "ip"; readonly address: Uint8Array }
  | { readonly kind: "uri"; readonly uri: string; readonly spiffeId: SpiffeId | undefined }
  | { readonly kind: "email"; readonly mailbox: string }
  | { readonly kind: "directory"; readonly name: DistinguishedName }
  | { readonly kind: "other"; readonly form: OtherNameForm };

/** The name forms that nobody here can judge. */
export type OtherNameForm = "otherName" | "x400Address" | "ediPartyName" | "registeredID";
