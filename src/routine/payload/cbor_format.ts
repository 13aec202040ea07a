/** The major types of a data item (RFC 8949 §3.1). */
export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const ARRAY = 4;
export const MAP = 5;
export const TAG = 6;

/** Whole heads: simple values and floats (RFC 8949 §3.3), and the end of an indefinite length. */
export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
export const UNDEFINED = 0xf7;
export const FLOAT16 = 0xf9;
export const FLOAT32 = 0xfa;
export const FLOAT64 = 0xfb;
export const BREAK = 0xff;

/** The argument that stands for an indefinite length (RFC 8949 §3.2). */
export const INDEFINITE = 31;

/** Tags, as IANA's registry numbers them. */
export const TAG_DATE_TEXT = 0;
export const TAG_DATE_EPOCH = 1;
export const TAG_BIGINT = 2;
export const TAG_NEGATIVE_BIGINT = 3;
export const TAG_UINT8_ARRAY = 64;
export const TAG_SET = 258;
export const TAG_MAP = 259;

/** The tag that marks CBOR as such, which a payload may begin with. */
export const SELF_DESCRIBED: readonly number[] = [0xd9, 0xd9, 0xf7];

/** The key that no object may have: assigning it elsewhere would change a prototype. */
export const FORBIDDEN_KEY = "__proto__";

/** From here on an argument takes eight octets. */
export const TWO_TO_32: number = 2 ** 32;
