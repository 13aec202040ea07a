/** One attribute of a distinguished name. */
export interface NameAttribute {
  /** The attribute type, dotted decimal. */
  readonly type: string;
  /** The decoded text; `undefined` where the value is not a string. */
  readonly value: string | undefined;
  /** The value's DER. */
  readonly der: Uint8Array;
}

/** A distinguished name: its DER, by which names are compared, and its attributes. */
export interface DistinguishedName {
  readonly der: Uint8Array;
  /** The relative names in order, each a set of attributes. */
  readonly parts: readonly (readonly NameAttribute[])[];
}
