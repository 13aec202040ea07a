/**
 * Everything Selvage depends on in the platform's TLS that is not public, but for the fast path in
 * `native_transport.ts`. Each use has a canary in `tests/canaries/`; where an upgrade takes one away, chains come back empty and every peer is refused.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type SecureContext, TLSSocket } from "node:tls";
import type { ChannelFailure, TlsFacts } from "../facts.ts";
import type { TlsBelow } from "./tls_below.ts";
import { runsOnDeno, systemCodeOf } from "../../platform/mod.ts";
import { alertInClear, alertReceived } from "./tls_alert.ts";
import { NO_BYTES } from "../../values/mod.ts";

/** A handshake that failed inside TLS. */
export interface TlsFailure
  extends Pick<ChannelFailure, "cause" | "code" | "alertReceived" | "alertSent" | "tls"> {
  /** Whether the platform refused the peer's certificate. */
  readonly refusedCertificate: boolean;
}

interface TlsHandle {
  onerror?: (error: Error) => void;
  drainEncOut?: () => Uint8Array | undefined;
  /** Deno: a code, empty where it trusts the peer. Node: an error, or nothing. */
  verifyError?: () => string | { readonly code?: string } | null | undefined;
  getPeerCertificateChain?: () => { certificates?: Uint8Array[] } | null | undefined;
  isSessionReused?: () => boolean;
}

/**
 * Watches a handshake over `below`. Exactly one of the two callbacks is called, `secured` before the platform
 * reads the peer's certificate.
 *
 * @returns what ends the watch, once the connection has an owner that hears its errors.
 */
export function watchHandshake(
  socket: TLSSocket,
  below: TlsBelow,
  watcher: { secured(facts: TlsFacts): void; failed(failure: TlsFailure): void },
): () => void {
  let settled = false;
  const settle = (): boolean => settled ? false : (settled = true);
  const fail = (cause: Error, sent?: Uint8Array): void => {
    if (settle()) watcher.failed(failureOf(cause, socket, below, sent));
  };
  const onSecure = (): void => {
    if (settle()) watcher.secured(factsOf(socket, below));
  };
  const onClose = (): void => {
    if (!settled) fail(hungUp());
  };
  // We read the presented chain ourselves; the platform's own reading of it is not needed and not relied upon.
  Object.defineProperty(socket, "getPeerCertificate", READS_NOTHING);
  socket.prependListener("secure", onSecure);
  const handle = handleOf(socket);
  const original = handle.onerror;
  const onError = function (this: unknown, error: Error): void {
    const sent = flushAlert(handle, below);
    fail(error, sent);
    original?.call(this, error);
    // Once TLS has failed the connection is over, whatever the platform does with the socket.
    socket.destroy(error);
  };
  handle.onerror = onError;
  socket.on("error", fail);
  socket.on("close", onClose);
  return () => {
    socket.removeListener("secure", onSecure);
    socket.removeListener("error", fail);
    socket.removeListener("close", onClose);
  };
}

/**
 * To be called before the handshake of a client. The platform would make up three sessions of TLS, none of which can be
 * resumed, and keep them with the socket; one that has a session already is spared them.
 */
export function withoutSession(socket: TLSSocket): void {
  if (runsOnDeno) (socket as unknown as { _session?: Uint8Array | null })._session ??= NO_BYTES;
}

const READS_NOTHING = { value: () => ({}) };

/**
 * Whether the platform can serve TLS with this context. A certificate or an authority that it cannot read
 * shows only when a socket is made, and then as an error of every connection.
 */
export function canServe(context: SecureContext, mutual: boolean): boolean {
  const nowhere = new Duplex({ read() {}, write: (_bytes, _encoding, written) => written() });
  const socket = new TLSSocket(nowhere as unknown as Socket, {
    isServer: true,
    secureContext: context,
    requestCert: mutual,
    rejectUnauthorized: false,
  });
  socket.on("error", () => {});
  const usable = (socket as unknown as { _initError?: Error | null })._initError == null;
  // The socket starts on the next turn, and can be released only after that.
  setImmediate(() => socket.destroy());
  return usable;
}

/** What TLS knows once the handshake is done. */
function factsOf(socket: TLSSocket, below: TlsBelow): TlsFacts {
  const handle = handleOf(socket);
  const platformCode = verifyCodeOf(handle);
  const cipher = socket.getCipher();
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: cipher?.standardName ?? cipher?.name ?? "unknown",
    keyExchange: below.keyExchange,
    alpn: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined,
    peerChain: chainOf(socket, handle),
    // Where it is unknown, the platform's yes is asked for as on a fresh handshake.
    resumed: handle.isSessionReused?.() ?? false,
    platformAuthorized: platformCode === "",
    ...(platformCode === "" ? {} : { platformCode }),
  };
}

/** Why the platform does not trust the peer; empty where it does. */
function verifyCodeOf(handle: TlsHandle): string {
  if (handle.verifyError === undefined) return "UNKNOWN";
  const found = handle.verifyError();
  if (typeof found === "string") return found;
  return found === null || found === undefined ? "" : found.code ?? "UNKNOWN";
}

/** Certificates followed from issuer to issuer on Node; the verdict takes fewer. */
const CHAIN_LIMIT = 32;

/**
 * The chain that the peer presented. Node has no list of it: its certificates are followed from the leaf, and end
 * with the anchor that the platform found, which earns no trust by being among them.
 */
function chainOf(socket: TLSSocket, handle: TlsHandle): readonly Uint8Array[] {
  if (runsOnDeno) return handle.getPeerCertificateChain?.()?.certificates ?? [];
  const chain: Uint8Array[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < CHAIN_LIMIT) {
    chain.push(new Uint8Array(certificate.raw));
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

/** Over a stream of ours, the alert that explains a failure stays inside TLS unless it is fetched. */
function flushAlert(handle: TlsHandle, below: TlsBelow): Uint8Array | undefined {
  const bytes = handle.drainEncOut?.();
  if (bytes === undefined || bytes.length === 0 || below.raw.destroyed) return undefined;
  below.raw.write(bytes);
  return bytes;
}

function failureOf(
  cause: Error,
  socket: TLSSocket,
  below: TlsBelow,
  sent?: Uint8Array,
): TlsFailure {
  const handle = handleOf(socket);
  const tls = factsOf(socket, below);
  return {
    cause,
    code: systemCodeOf(cause),
    alertReceived: alertReceived(cause.message),
    alertSent: sent === undefined ? undefined : alertInClear(sent),
    refusedCertificate: handle.verifyError !== undefined && verifyCodeOf(handle) !== "",
    tls: tls.peerChain.length === 0 ? undefined : tls,
  };
}

/** The peer went away before the handshake was done, and TLS found nothing to say about it. */
function hungUp(): Error {
  return Object.assign(new Error("the peer hung up during the TLS handshake"), {
    code: "ECONNRESET",
  });
}

function handleOf(socket: TLSSocket): TlsHandle {
  return (socket as unknown as { _handle?: TlsHandle | null })._handle ?? {};
}
