import type { StreamReceiver } from "../http2/mod.ts";

/** Ignores what arrives on a stream that was refused. */
export const IGNORED: StreamReceiver = { data: () => {}, trailers: () => {}, closed: () => {} };
