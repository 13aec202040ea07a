import { contextTag, DerReader } from "../der/der.ts";
import { latin1, TAG } from "../der/der_values.ts";
import { Malformed } from "../der/malformed.ts";

/**
 * The subject of what may be a certificate, as `DistinguishedName.key` has it, found by skipping from field
 * to field: nothing else is read, and nothing is checked. `undefined` where there is none to be found.
 */
export function presentedSubject(der: Uint8Array): string | undefined {
  // Most of what is not a certificate shows it in the first byte, and an exception costs more than all of this.
  if (der[0] !== TAG.sequence || der.length < 64) return undefined;
  try {
    const { contents } = new DerReader(der).next(TAG.sequence, "the certificate");
    const fields = new DerReader(new DerReader(contents).next(TAG.sequence, "tbs").contents);
    fields.optional(contextTag(0, "constructed"));
    fields.next(TAG.integer, "the serial number");
    fields.next(TAG.sequence, "the signature algorithm");
    fields.next(TAG.sequence, "the issuer");
    fields.next(TAG.sequence, "the validity");
    return latin1(fields.next(TAG.sequence, "the subject").bytes);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
