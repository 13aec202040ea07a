import type { CredentialPem } from "../../src/credentials/mod.ts";
import { createHash } from "node:crypto";
import {
  makeCertificate,
  type TestCertificate,
  type TestCertificateOptions,
} from "../support/certificates.ts";

/** The identity of every worker. */
export const WORKER_ID = "spiffe://example.org/worker";
/** The identity of every caller. */
export const CLIENT_ID = "spiffe://example.org/client/a";
/** The callers that workers allow. */
export const ALLOWED = "spiffe://example.org/client/*";

/** One version of an end's credentials, as text. */
export interface Version {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** SHA-256 over the leaf, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** The leaf. */
  readonly certificate: TestCertificate;
}

/** What of a version credentials are made of. */
export function pemOf({ ca, cert, key }: Version): CredentialPem {
  return { ca, cert, key };
}

/** Makes an authority. */
export function makeRoot(name: string): TestCertificate {
  return makeCertificate({ name, authority: true });
}

/** Makes a version: a certificate of `identity` under the first authority, and trust in all of them. */
export function makeVersion(
  identity: string,
  [issuer, ...others]: readonly [TestCertificate, ...TestCertificate[]],
  options: TestCertificateOptions = {},
): Version {
  const certificate = makeCertificate({ names: [{ uri: identity }], issuer, ...options });
  return {
    ca: [issuer, ...others].map(({ pem }) => pem).join(""),
    cert: certificate.chainPem,
    key: certificate.keyPem,
    fingerprint: createHash("sha256").update(certificate.der).digest("hex"),
    certificate,
  };
}
