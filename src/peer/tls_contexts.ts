import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import {
  type Address,
  clientContext,
  type ServerTls,
  serverTls,
  type TlsIdentity,
  type TlsVersion,
} from "../channel/mod.ts";
import type { CredentialMaterial, OwnCertificate } from "../credentials/mod.ts";
import { unusable } from "../errors/mod.ts";
import type { IdentityPattern } from "../identity/mod.ts";

/** The platform's TLS for one version of the credentials, as a dispatcher uses it. */
export interface DialContexts {
  /** Shows our certificate, where we have one. */
  readonly calling: SecureContext;
  /** Shows nothing: for looking at a certificate that is not trusted. */
  readonly probing: SecureContext;
}

/** By the authorities and by our certificate, which all versions that were made of one text share. */
const prepared = new WeakMap<readonly string[], WeakMap<object, Map<TlsVersion, DialContexts>>>();
const SHOWS_NOTHING = {};

/** Prepares the platform's TLS for dialling, once for each version of the credentials. */
export function dialContexts(material: CredentialMaterial, minVersion: TlsVersion): DialContexts {
  const ca = material.caPem;
  const shown = shownCertificate(material);
  const byVersion = preparedFor(ca, shown ?? SHOWS_NOTHING);
  const found = byVersion.get(minVersion);
  if (found !== undefined) return found;
  const made = {
    calling: clientContext({
      ca,
      minVersion,
      ...(shown === undefined ? {} : { identity: identityOf(shown) }),
    }),
    probing: clientContext({ ca, minVersion }),
  };
  byVersion.set(minVersion, made);
  return made;
}

function preparedFor(ca: readonly string[], shown: object): Map<TlsVersion, DialContexts> {
  const byShown = prepared.get(ca) ?? new WeakMap<object, Map<TlsVersion, DialContexts>>();
  prepared.set(ca, byShown);
  const byVersion = byShown.get(shown) ?? new Map<TlsVersion, DialContexts>();
  byShown.set(shown, byVersion);
  return byVersion;
}

/**
 * Prepares the platform's TLS for a listener's generation.
 *
 * @throws {ConfigurationError} where the credentials hold no certificate to listen with.
 */
export function listenerTls(material: CredentialMaterial, minVersion: TlsVersion): ServerTls {
  if (material.own === undefined) {
    throw unusable(
      "credentials",
      "a worker needs a certificate and its key to listen with TLS",
    );
  }
  if (material.own.fault === "key-mismatch") {
    const { cert, key } = material.origins ?? {};
    throw unusable(
      "key",
      `${key === undefined ? "key" : `key: ${key}`}: the private key is not the certificate's` +
        (cert === undefined ? "" : `, ${cert}`),
    );
  }
  return serverTls({
    identity: identityOf(material.own),
    mutual: material.mode === "mutual",
    minVersion,
  });
}

/** The oldest TLS version where nothing else is asked: in 1.2 a client's certificate travels in the clear. */
export function oldestVersion(material: CredentialMaterial): TlsVersion {
  return material.mode === "mutual" ? "TLSv1.3" : "TLSv1.2";
}

/**
 * The name sent to a server that serves several (SNI): the one host name we expect, else the host that
 * was dialled. It chooses nothing here; the verdict is over `expected` alone.
 */
export function serverName(
  address: Address,
  expected: readonly IdentityPattern[],
): string | undefined {
  const [first] = expected;
  if (first?.kind === "dns" && !first.labels.includes("*")) return first.labels.join(".");
  if (address.kind !== "tcp" || isIP(address.host.replace(/%.*$/, "")) !== 0) return undefined;
  return address.host.replace(/\.$/, "");
}

/** The certificate that a caller shows: only mutual credentials are meant for that. */
export function shownCertificate(
  material: CredentialMaterial | undefined,
): OwnCertificate | undefined {
  return material?.mode === "mutual" ? material.own : undefined;
}

function identityOf(own: OwnCertificate): TlsIdentity {
  return { certificate: own.certPem, key: own.keyPem };
}
