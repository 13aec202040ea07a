/** A SPIFFE ID in its parts; `text` is their only spelling, so IDs compare as strings. */
export interface SpiffeId {
  /** `spiffe://td/a/b`. */
  readonly text: string;
  /** The trust domain, lower case. */
  readonly trustDomain: string;
  /** The segments of the path; none for the trust domain's own ID. */
  readonly segments: readonly string[];
}

const SCHEME = "spiffe://";
/** SPIFFE-ID §2.3. */
const MAX_ID_BYTES = 2048;
/** SPIFFE-ID §2.1: the trust domain by itself. */
const MAX_TRUST_DOMAIN_BYTES = 255;
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const SEGMENT = /^[a-zA-Z0-9._-]+$/;

/** Reads a SPIFFE ID; `undefined` where any character of the text is invalid. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (!text.startsWith(SCHEME) || text.length > MAX_ID_BYTES) return undefined;
  const [trustDomain = "", ...segments] = text.slice(SCHEME.length).split("/");
  if (!isTrustDomain(trustDomain) || !segments.every(isSegment)) return undefined;
  return { text, trustDomain, segments };
}

/** Whether the text may name a trust domain. */
export function isTrustDomain(text: string): boolean {
  return text.length <= MAX_TRUST_DOMAIN_BYTES && TRUST_DOMAIN.test(text);
}

/** Whether the text may be one segment of a SPIFFE ID's path. */
export function isSegment(text: string): boolean {
  return SEGMENT.test(text) && text !== "." && text !== "..";
}
