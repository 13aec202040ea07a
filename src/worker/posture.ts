import { type Address, formatAddress, isLocal } from "../channel/mod.ts";
import type { CredentialMaterial, OpenCredentialsOptions } from "../credentials/mod.ts";
import { ConfigurationError } from "../errors/mod.ts";
import { type IdentityPattern, parsePatterns } from "../identity/mod.ts";
import type { Observer } from "../observe/mod.ts";
import type { AcceptedPeer, PeerListener } from "../peer/mod.ts";
import { type Authenticator, plaintextPosture } from "../policy/mod.ts";
import type { WorkerServerOptions } from "./options.ts";

/**
 * Who may connect, and whether the worker may listen at all with what protects it.
 *
 * @throws {ConfigurationError} If the options contradict each other, or leave open what must be said.
 */
export function allowedPeers(
  { allow, strict = false }: WorkerServerOptions,
  addresses: readonly Address[],
  credentials: CredentialMaterial | undefined,
): readonly IdentityPattern[] {
  if (credentials === undefined) {
    for (const address of addresses) plaintextPosture(address, strict);
  }
  const mutual = credentials?.mode === "mutual";
  const inMemory = addresses.every(({ kind }) => kind === "memory");
  if (allow !== undefined) {
    if (mutual || inMemory) return parsePatterns(allow, { clients: true, setting: "allow" });
    throw new ConfigurationError(
      "allow names who may connect, which only mutual TLS can tell; give credentials with a CA",
      { setting: "allow" },
    );
  }
  if (!mutual) return inMemory ? parsePatterns("*") : [];
  throw new ConfigurationError(
    'allow must say who may connect; ["*"] is anyone the CA has signed',
    { setting: "allow" },
  );
}

/**
 * What verifies tokens, where it can serve with what protects the worker.
 *
 * @throws {ConfigurationError} If tokens could not reach it, or are to be bound to what no client presents.
 */
export function authenticatorOf(
  { authenticate }: WorkerServerOptions,
  addresses: readonly Address[],
  credentials: CredentialMaterial | undefined,
): Authenticator | undefined {
  if (authenticate === undefined) return undefined;
  const authenticator: Authenticator = typeof authenticate === "function"
    ? { require: "token", authenticate }
    : authenticate;
  const plain = credentials === undefined && addresses.some(({ kind }) => kind === "tcp");
  if (plain) {
    throw new ConfigurationError(
      "authenticate needs a listener that encrypts: tokens over plaintext TCP are refused; give credentials",
      { setting: "authenticate" },
    );
  }
  if (
    authenticator.require === "both" && credentials !== undefined && credentials.mode !== "mutual"
  ) {
    throw new ConfigurationError(
      'authenticate with require: "both" needs mutual TLS: give credentials with a CA',
      { setting: "authenticate" },
    );
  }
  return authenticator;
}

/** Whom a worker accepts, as far as that is said and can be read: the rest is an error of its own. */
export function acceptedClients(
  { allow }: WorkerServerOptions,
): Pick<OpenCredentialsOptions, "accepts"> {
  return allow === undefined
    ? {}
    : { accepts: parsePatterns(allow, { clients: true, setting: "allow" }) };
}

/** Tells how each listener is protected, and of those where anyone may call. */
export function tellPosture(
  observer: Observer,
  listeners: readonly PeerListener[],
  { strict = false, policy }: WorkerServerOptions,
): void {
  for (const { address, security } of listeners) {
    const where = formatAddress(address);
    observer.emit({
      type: "security.posture",
      address: where,
      security,
      strict,
      policy: policy !== undefined,
      tokens: false,
    });
    if (security !== "mutual-tls" && !isLocal(address)) {
      observer.emit({ type: "security.unauthenticated-listener", address: where, security });
    }
  }
}

/** Tells that a caller without TLS is served. */
export function tellPlaintext(observer: Observer, { remoteAddress }: AcceptedPeer): void {
  observer.emit({ type: "security.plaintext-caller", peer: { address: remoteAddress } });
}
