import {
  createSecureContext,
  type SecureContext,
  TLSSocket,
  type TLSSocketOptions,
} from "node:tls";
import { unusable } from "../../errors/mod.ts";
import type { TlsBelow } from "./tls_below.ts";
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
  /** Whether clients are asked for a certificate. */
  readonly mutual: boolean;
  /** The oldest version spoken. */
  readonly minVersion: TlsVersion;
}

/**
 * Prepares the platform's TLS for accepting. The authorities of clients are not given to it: the
 * platform would send all of them in our own chain, where 9 are more than some clients take and 140
 * break the handshake, and name them to every stranger. So the platform's opinion of a client's chain
 * is not asked; it still checks that the client has the key of its certificate (RFC 8446 §4.4.3), and
 * the chain is for the verdict alone.
 *
 * @throws {ConfigurationError} where the platform cannot use what it is given.
 */
export function serverTls(material: ServerTlsMaterial): ServerTls {
  const { mutual } = material;
  const context = createSecureContext({
    // To the platform an absent `ca` means the public roots; an empty one trusts nobody.
    ca: [],
    cert: material.identity.certificate,
    key: material.identity.key,
    minVersion: material.minVersion,
  });
  if (canServe(context, mutual)) return { context, mutual };
  throw unusable("credentials", "the platform cannot use this certificate and key for TLS");
}

/**
 * Begins the handshake with an accepted client. The platform may not turn a client away: that would
 * end the connection without a word, and it is for us to say why.
 */
export function serverSocket(below: TlsBelow, tls: ServerTls): TLSSocket {
  const options: TLSSocketOptions = {
    isServer: true,
    secureContext: tls.context,
    requestCert: tls.mutual,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  };
  // A TLS socket takes any duplex stream; the type only knows of sockets.
  const stream = below.stream as unknown as ConstructorParameters<typeof TLSSocket>[0];
  const socket = new TLSSocket(stream, options);
  below.carry(socket);
  return socket;
}
