/** The compressions there are, as named in header fields. */
export type CompressionName = "gzip" | "br";
