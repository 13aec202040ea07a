import type { HandshakeEvidence } from "../errors/mod.ts";

/** The platform's code where a handshake broke at CertificateVerify (RFC 8446 §4.4.3); an attack pins it. */
const NOT_PROVEN = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

/** What to say of a peer that showed a certificate and did not prove that it has its key. */
export function unprovenKey(
  code: string | undefined,
  whose: "client" | "peer",
): Pick<HandshakeEvidence, "found" | "advice"> | undefined {
  if (code !== NOT_PROVEN) return undefined;
  return {
    found: `the ${whose} shows a certificate that TLS cannot read, or has not its key`,
    advice: `give the ${whose} a certificate with the key that belongs to it`,
  };
}
