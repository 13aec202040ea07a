/** No octets; one for all. */
export const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
