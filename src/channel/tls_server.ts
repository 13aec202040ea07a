import {
  createSecureContext,
  type SecureContext,
  TLSSocket,
  type TLSSocketOptions,
} from "node:tls";
import { ConfigurationError } from "../errors/mod.ts";
import type { RawDuplex } from "./raw_duplex.ts";
import { canServe } from "./tls_platform.ts";
import type { TlsIdentity, TlsVersion } from "./tls_client.ts";

/** What a listener's TLS is, for one generation of credentials. */
export interface ServerTls {
  /** Made by {@linkcode serverTls}. */
  readonly context: SecureContext;
  /** Whether clients are asked for a certificate. */
  readonly mutual: boolean;
}

/** What a listener's TLS is made of. */
export interface ServerTlsMaterial {
  /** Our certificate and key. */
  readonly identity: TlsIdentity;
  /** The authorities of clients, PEM; `undefined` where clients are asked for no certificate. */
  readonly clientCa: readonly string[] | undefined;
  /** The oldest version spoken. */
  readonly minVersion: TlsVersion;
}

/**
 * Prepares the platform's TLS for accepting.
 *
 * @throws {ConfigurationError} where the platform cannot use what it is given.
 */
export function serverTls(material: ServerTlsMaterial): ServerTls {
  const mutual = material.clientCa !== undefined;
  const context = createSecureContext({
    // To the platform an absent `ca` means the public roots; an empty one trusts nobody.
    ca: [...material.clientCa ?? []],
    cert: material.identity.certificate,
    key: material.identity.key,
    minVersion: material.minVersion,
  });
  if (canServe(context, mutual)) return { context, mutual };
  throw new ConfigurationError(
    "the platform cannot use this certificate, key and authorities for TLS",
    { setting: "credentials" },
  );
}

/**
 * Begins the handshake with an accepted client. The platform may not turn a client away: that would
 * end the connection without a word, and it is for us to say why.
 */
export function serverSocket(below: RawDuplex, tls: ServerTls): TLSSocket {
  const options: TLSSocketOptions = {
    isServer: true,
    secureContext: tls.context,
    requestCert: tls.mutual,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  };
  // A TLS socket takes any duplex stream; the type only knows of sockets.
  return new TLSSocket(below as unknown as ConstructorParameters<typeof TLSSocket>[0], options);
}
