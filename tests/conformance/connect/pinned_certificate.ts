import type { TlsFacts } from "../../../src/channel/mod.ts";

/** PEM bytes as text. */
export function pemText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/**
 * Whether the peer proved to hold the key of exactly that certificate. The suite's certificates have
 * signed themselves and are no authorities, so that they are compared, not chained.
 */
export function presents(tls: TlsFacts | undefined, pem: Uint8Array): boolean {
  const leaf = tls?.peerChain[0];
  if (leaf === undefined) return false;
  const base64 = pemText(pem).replace(/-----[^-]+-----|\s/g, "");
  const expected = Uint8Array.fromBase64(base64);
  return leaf.length === expected.length && leaf.every((octet, at) => octet === expected[at]);
}
