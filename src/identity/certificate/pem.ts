import { type Certificate, parseCertificate } from "./certificate.ts";
import {
  type CertificateFault,
  certificateFault,
  isCertificateFault,
} from "./certificate_fault.ts";
import { isOneElement } from "../der/der.ts";
import { latin1 } from "../der/der_values.ts";
import { otherEncoding } from "./other_encoding.ts";
import { presentedSubject } from "./presented_subject.ts";

/** RFC 7468 §3, the lax form: white space may stand anywhere, and a line need not end. */
const BLOCK = /-----BEGIN ([A-Z0-9. ]+)-----([A-Za-z0-9+/=\t\n\v\f\r ]*?)-----END \1-----/g;
const MARKER = /-----(BEGIN|END) /g;

/** What a certificate is called, and was called before (RFC 7468 §5.1). */
const CERTIFICATES: readonly string[] = ["CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE"];

/** `EC PARAMETERS` beside a key, `DH PARAMETERS`: they vouch for nobody. */
const PARAMETERS = /(?:^| )PARAMETERS$/;

/** What is wrong with blocks that tools write where certificates are expected. */
const OTHER_BLOCKS: Readonly<Record<string, string>> = {
  "TRUSTED CERTIFICATE":
    "it is a TRUSTED CERTIFICATE, whose trust settings are not applied here; " +
    "write it without them: openssl x509 -in FILE -out NEW",
  "X509 CRL": "it is a revocation list, which is not applied here; " +
    "remove it, and deny what it revokes by a denylist",
  PKCS7: "it is PKCS #7; write its certificates: openssl pkcs7 -in FILE -print_certs -out NEW",
};

/**
 * Reads every certificate of a PEM text, in order: at least one, and each block must be whole.
 *
 * Text between blocks is commentary (RFC 7468 §2), and so are the parameters of a curve or of Diffie-Hellman, which
 * tools write beside keys; another block that is not a certificate, a private key for instance, is a fault, since it
 * is where it should not be.
 */
export function parsePemBundle(text: string): readonly Certificate[] | CertificateFault {
  const blocks = readPemBlocks(text);
  if (isCertificateFault(blocks)) return blocks;
  const certificates: Certificate[] = [];
  for (const block of blocks) {
    if (isCertificateFault(block)) return certificateFault(block.rule, block.found);
    certificates.push(block);
  }
  return certificates;
}

/** A whole certificate that cannot be read. */
export interface BlockFault extends CertificateFault {
  /** The subject that it shows, as `DistinguishedName.key` has it. */
  readonly subjectKey: string;
}

/**
 * Reads every block of a PEM text, in order, each to a certificate or to what is wrong with it; only a
 * fault where there is no block, or one is torn or no certificate, so that the text is not what was meant. Whole is
 * what ends where it says and shows a subject: whatever else is wrong lies within one certificate.
 */
export function readPemBlocks(
  text: string,
): readonly (Certificate | BlockFault)[] | CertificateFault {
  const blocks = [...text.matchAll(BLOCK)];
  const markers = [...text.matchAll(MARKER)].length;
  if (markers === 0) {
    return certificateFault("pem.empty", otherEncoding(text) ?? "it holds no PEM block");
  }
  if (markers !== 2 * blocks.length) {
    return certificateFault(
      "pem.block",
      otherEncoding(text) ?? "a PEM block is torn or holds foreign characters",
    );
  }
  if (blocks.every(([, label]) => PARAMETERS.test(label!))) {
    return certificateFault("pem.empty", "it holds no certificate");
  }
  const read: (Certificate | BlockFault)[] = [];
  for (const [i, [, label = "", body = ""]] of blocks.entries()) {
    if (PARAMETERS.test(label)) continue;
    const der = readBlock(label, body);
    const certificate = isCertificateFault(der) ? der : parseCertificate(der);
    if (!isCertificateFault(certificate)) {
      read.push(certificate);
      continue;
    }
    const fault = certificateFault(certificate.rule, `block ${i + 1}: ${certificate.found}`);
    if (isCertificateFault(der) || !isOneElement(der)) return fault;
    const subjectKey = presentedSubject(der);
    if (subjectKey === undefined) return fault;
    read.push({ ...fault, subjectKey });
  }
  return read;
}

function readBlock(label: string, body: string): Uint8Array | CertificateFault {
  if (!CERTIFICATES.includes(label)) {
    const found = OTHER_BLOCKS[label] ?? `it is ${label}, expected CERTIFICATE`;
    return certificateFault("pem.label", found);
  }
  const base64 = body.replace(/\s+/g, "");
  if (base64 === "" || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    return certificateFault("pem.base64", "it is not base64");
  }
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Writes certificates as PEM, the order kept. */
export function formatPemBundle(certificates: readonly Certificate[]): string {
  return certificates.map(({ der }) => {
    const base64 = btoa(latin1(der)).replace(/.{64}(?=.)/g, "$&\n");
    return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
  }).join("");
}
