import { sequence, unsignedInteger } from "../../../src/credentials/der_writer.ts";
import { MESSAGE, message } from "./message.ts";
import { ascii, joined, OctetReader, type Octets, uint, vector } from "./octets.ts";

/** Either end of a connection. */
export type Side = "client" | "server";

/** One certificate of a list, or whatever is shown in its place. */
export interface CertificateEntry {
  /** The octets where DER is expected. */
  readonly certificate: Uint8Array;
  /** Extensions that go with it, each as RFC 8446 §4.2 writes them. Default: none. */
  readonly extensions?: Uint8Array;
}

/** Shows any octets as certificates (RFC 8446 §4.4.2). */
export function certificateMessage(entries: readonly CertificateEntry[]): Octets {
  const list = entries.map(({ certificate, extensions = new Uint8Array(0) }) =>
    joined(vector(3, certificate), vector(2, extensions))
  );
  return message(MESSAGE.certificate, vector(1), vector(3, ...list));
}

/** The certificates in a message. */
export function readCertificates(body: Octets): Octets[] {
  const certificate = new OctetReader(body);
  certificate.vector(1);
  const list = new OctetReader(certificate.vector(3));
  const certificates: Octets[] = [];
  while (!list.done) {
    certificates.push(list.vector(3));
    list.vector(2);
  }
  return certificates;
}

/**
 * Proves, as `side`, that the sender has the key of its certificate (RFC 8446 §4.4.3): over P-256, whatever
 * the scheme is said to be.
 */
export async function certificateVerifyMessage(
  key: CryptoKey,
  side: Side,
  transcript: Octets,
  scheme = ECDSA_SECP256R1_SHA256,
): Promise<Octets> {
  const content = joined(
    new Uint8Array(64).fill(0x20),
    ascii(`TLS 1.3, ${side} CertificateVerify`),
    uint(0, 1),
    transcript,
  );
  return message(
    MESSAGE.certificateVerify,
    uint(scheme, 2),
    vector(2, await signatureOf(key, content)),
  );
}

/** An ECDSA signature with SHA-256, as TLS carries it. */
export async function signatureOf(key: CryptoKey, content: Octets): Promise<Octets> {
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, content));
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  return joined(sequence(unsignedInteger(r), unsignedInteger(s)));
}

const ECDSA_SECP256R1_SHA256 = 0x0403;

/** A P-256 key from PEM that holds PKCS #8. */
export async function signingKey(pem: string): Promise<CryptoKey> {
  const pkcs8 = Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, ""));
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
}
