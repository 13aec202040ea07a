import type { HandshakeEvidence, HandshakeReason } from "../errors/mod.ts";
import { present } from "../values/mod.ts";

/** What to do where the two ends have no version of TLS, cipher or protocol in common. */
export const COMPARE_PROTOCOLS =
  "compare the TLS versions and the ALPN protocols (h2) of both ends";

/**
 * The platform's codes where a handshake broke at CertificateVerify (RFC 8446 §4.4.3): on a client, and on
 * a server, which is given no authorities. A test pins them.
 */
const NOT_PROVEN: ReadonlySet<string | undefined> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
]);

/** Our own TLS gave up on what the other end sent. */
export function brokenTls(
  { code, alertSent }: {
    readonly code?: string | undefined;
    readonly alertSent?: string | undefined;
  },
  whose: "client" | "peer",
): { readonly reason: HandshakeReason; readonly evidence: HandshakeEvidence } {
  const negotiation = code === "ERR_SSL_NO_APPLICATION_PROTOCOL" ||
    alertSent === "protocol_version" || alertSent === "handshake_failure";
  const evidence = {
    found: alertSent === undefined
      ? `what the ${whose} sent is no TLS handshake that we can go on with`
      : `we ended the handshake with the TLS alert ${alertSent}`,
    ...present({ alert: alertSent, code }),
    advice: negotiation ? COMPARE_PROTOCOLS : `look at the ${whose}'s own log`,
    // It showed a certificate and did not prove that it has its key.
    ...NOT_PROVEN.has(code) && {
      found: `the ${whose} shows a certificate that TLS cannot read, or has not its key`,
      advice: `give the ${whose} a certificate with the key that belongs to it`,
    },
  };
  return { reason: negotiation ? "protocol-mismatch" : "tls-alert", evidence };
}
