import { sign, X509Certificate } from "node:crypto";
import {
  bitString,
  objectIdentifier,
  sequence,
  time,
  unsignedInteger,
} from "../../src/credentials/der_writer.ts";
import { writePem } from "../../src/credentials/pem_writer.ts";
import type { TestCertificate } from "../support/certificates.ts";

const HOUR_MS = 3_600_000;
const ECDSA_WITH_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));

/** A list of revoked certificates (RFC 5280 §5.1, version 1) of a P-256 authority, PEM. */
export function revocationList(
  issuer: TestCertificate,
  revoked: readonly TestCertificate[],
): string {
  const now = Date.now();
  const since = time(now - HOUR_MS);
  const tbs = sequence(
    ECDSA_WITH_SHA256,
    issuer.subject,
    since,
    time(now + HOUR_MS),
    sequence(
      ...revoked.map((certificate) => sequence(unsignedInteger(serialOf(certificate)), since)),
    ),
  );
  const signature = bitString(sign("sha256", tbs, issuer.key));
  return writePem("X509 CRL", sequence(tbs, ECDSA_WITH_SHA256, signature));
}

function serialOf({ der }: TestCertificate): Uint8Array {
  return Uint8Array.fromHex(new X509Certificate(der).serialNumber);
}
