import { type Address, formatAddress, inspectSocket, isLocal } from "../channel/mod.ts";
import type { CredentialMaterial, OpenCredentialsOptions } from "../credentials/mod.ts";
import { insistOnChoice, unusable } from "../errors/mod.ts";
import { type IdentityPattern, parsePatterns } from "../identity/mod.ts";
import type { ChannelSecurity, Observer } from "../observe/mod.ts";
import type { PeerListener } from "../peer/mod.ts";
import { type Authenticator, plaintextPosture, type TokenRequirement } from "../policy/mod.ts";
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
    throw unusable(
      "allow",
      "allow names who may connect, which only mutual TLS can tell; give credentials with a CA",
    );
  }
  if (!mutual) return inMemory ? parsePatterns("*") : [];
  throw unusable("allow", 'allow must say who may connect; ["*"] is anyone the CA has signed');
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
  if (typeof (authenticator as Authenticator | null)?.authenticate !== "function") {
    throw unusable("authenticate", "authenticate is a function, or what jwt() or its like returns");
  }
  insistOnChoice("require", authenticator.require, ["token", "both", "either"]);
  const plain = credentials === undefined && addresses.some(({ kind }) => kind === "tcp");
  if (plain) {
    throw unusable(
      "authenticate",
      "authenticate needs a listener that encrypts: tokens over plaintext TCP are refused; give credentials",
    );
  }
  if (
    authenticator.require === "both" && credentials !== undefined && credentials.mode !== "mutual"
  ) {
    throw unusable(
      "authenticate",
      'authenticate with require: "both" needs mutual TLS: give credentials with a CA',
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

/** What protects a worker. */
export interface WorkerPosture {
  /** Whether anything less than authenticated callers over TLS was refused at the start. */
  readonly strict: boolean;
  /** Where it listens, and how each listener is protected. */
  readonly listeners: readonly { readonly address: string; readonly security: ChannelSecurity }[];
  /** Who may connect, with mutual TLS. */
  readonly allow: readonly string[];
  /** What a call must show besides, where tokens are verified. */
  readonly tokens: TokenRequirement | "ignored";
  /** Whether a policy decides who may call what. */
  readonly policy: boolean;
  /** What is open, and why: one sentence each. */
  readonly open: readonly string[];
  /**
   * The connections over TLS that stand now, by the group of their key exchange: those of `X25519MLKEM768` are safe
   * from being recorded now and decrypted once quantum computers can; those of `x25519` are not.
   */
  readonly keyExchange: Readonly<Record<string, number>>;
}

/** What protects a worker from its start on. */
export type StartPosture = Omit<WorkerPosture, "keyExchange">;

/** What protects a worker that listens. */
export function postureOf(
  options: WorkerServerOptions,
  listeners: readonly PeerListener[],
  authenticator: Authenticator | undefined,
  health: Address | undefined,
): StartPosture {
  const { strict = false, policy, allow = [], anonymous } = options;
  const tokens = authenticator?.require ?? "ignored";
  const open: string[] = [];
  for (const { address, security } of listeners) {
    const where = formatAddress(address);
    const unproven = security === "plaintext" ||
      (security === "one-way-tls" && tokens === "ignored");
    if (unproven) {
      open.push(
        `anyone who reaches ${where} may call: ` +
          (security === "plaintext" ? "no credentials are set" : "no token is required"),
      );
    }
  }
  if (allow.includes("*")) open.push("anyone whom the CA has signed may connect: allow is *");
  if (policy === undefined) open.push("who may connect may call everything: no policy is set");
  if (anonymous !== undefined) {
    const what = anonymous.routines?.join(", ") || "health alone";
    open.push(`callers in plaintext from ${anonymous.from.join(", ")} may call ${what}`);
  }
  if (health !== undefined) open.push(`health is shown in plaintext at ${formatAddress(health)}`);
  return {
    strict,
    listeners: listeners.map(({ address, security }) => ({
      address: formatAddress(address),
      security,
    })),
    allow: typeof allow === "string" ? [allow] : allow,
    tokens,
    policy: policy !== undefined,
    open,
  };
}

/** Reports how each listener is protected, and those where anyone may call. */
export function reportPosture(
  observer: Observer,
  listeners: readonly PeerListener[],
  { strict, policy, tokens, open }: StartPosture,
): void {
  const verified = tokens !== "ignored";
  for (const { address, security } of listeners) {
    const where = formatAddress(address);
    observer.emit({
      type: "security.posture",
      address: where,
      security,
      strict,
      policy,
      tokens: verified,
      open,
    });
    const proven = security === "mutual-tls" || (security === "one-way-tls" && verified);
    if (!proven && !isLocal(address)) {
      observer.emit({ type: "security.unauthenticated-listener", address: where, security });
    }
  }
}

/**
 * Refuses what `strict` does not allow.
 *
 * @throws {ConfigurationError} It names what is missing.
 */
export function insistOnStrict(
  { strict = false, metrics }: WorkerServerOptions,
  credentials: CredentialMaterial | undefined,
  authenticator: Authenticator | undefined,
  health: Address | undefined,
): void {
  if (!strict) return;
  if (credentials?.mode === "one-way" && authenticator === undefined) {
    throw unusable(
      "authenticate",
      "strict needs to know who calls: over one-way TLS set authenticate, or give credentials with a CA",
    );
  }
  if (metrics === true && health !== undefined && !isLocal(health)) {
    throw unusable(
      "metrics",
      `strict shows metrics on loopback only, not at ${
        formatAddress(health)
      }: set health to 127.0.0.1:PORT`,
    );
  }
}

/**
 * Refuses a unix socket where another user could listen in our place.
 *
 * @throws {ConfigurationError} If its folder is not ours.
 */
export async function insistOnOwnSockets(
  { strict = false }: WorkerServerOptions,
  listeners: readonly PeerListener[],
): Promise<void> {
  if (!strict) return;
  for (const { address, security } of listeners) {
    if (address.kind !== "unix" || security !== "unix-socket") continue;
    const found = await inspectSocket(address.path);
    if (found.ours) continue;
    throw unusable("listen", `strict refuses ${formatAddress(address)}: ${found.why}`);
  }
}
