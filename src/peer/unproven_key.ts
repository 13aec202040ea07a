import type { HandshakeEvidence } from "../errors/mod.ts";

/**
 * The platform's codes where a handshake broke at CertificateVerify (RFC 8446 §4.4.3): on a client, and on
 * a server, which is given no authorities. A test pins them.
 */
const NOT_PROVEN: ReadonlySet<string | undefined> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
]);

/** What to say of a peer that showed a certificate and did not prove that it has its key. */
export function unprovenKey(
  code: string | undefined,
  whose: "client" | "peer",
): Pick<HandshakeEvidence, "found" | "advice"> | undefined {
  if (!NOT_PROVEN.has(code)) return undefined;
  return {
    found: `the ${whose} shows a certificate that TLS cannot read, or has not its key`,
    advice: `give the ${whose} a certificate with the key that belongs to it`,
  };
}
