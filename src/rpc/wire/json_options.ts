import type { JsonReadOptions, JsonWriteOptions } from "@bufbuild/protobuf";

/** Options of protobuf-es for JSON. */
export type JsonOptions = Partial<JsonReadOptions & JsonWriteOptions>;
