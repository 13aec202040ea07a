import { ConfigurationError } from "../errors/mod.ts";
import { formatAddress, type TcpAddress } from "./address.ts";
import { ConnChannel } from "./conn_channel.ts";
import type { ChannelFailure } from "./facts.ts";
import type { AcceptFailure, ChannelListener, ListenOptions } from "./listen.ts";
import { alertReceived } from "./tls_alert.ts";
import type { TlsIdentity } from "./tls_client.ts";

/** The code of a connection that did not begin with TLS; the platform has no code of its own for it. */
export const NOT_TLS = "SELVAGE_NOT_TLS";

/** How a listener with one certificate for good treats what it accepts. */
export type ListenFixedOptions = Omit<ListenOptions, "tls" | "refusesResumption">;

/**
 * Listens for one-way TLS with the platform's own listener, which is faster and can do no more: it asks no
 * client for a certificate and its certificate cannot change.
 *
 * @throws {ConfigurationError} where the address cannot be listened on, or the certificate cannot serve.
 */
export function listenFixed(
  address: TcpAddress,
  identity: TlsIdentity,
  options: ListenFixedOptions,
): ChannelListener {
  const listener = listenTls(address, identity);
  const pending = new Set<Deno.TlsConn>();
  void acceptAll(listener, address, options, pending);
  const stopAccepting = (): void => {
    try {
      listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  };
  return {
    address: { ...address, port: listener.addr.port },
    stopAccepting,
    [Symbol.asyncDispose](): Promise<void> {
      stopAccepting();
      for (const conn of pending) conn.close();
      return Promise.resolve();
    },
  };
}

function listenTls(address: TcpAddress, identity: TlsIdentity): Deno.TlsListener {
  try {
    return Deno.listenTls({
      hostname: address.host,
      port: address.port,
      cert: identity.certificate,
      key: identity.key,
      alpnProtocols: ["h2"],
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError(`cannot listen on ${formatAddress(address)}: ${why}`, {
      setting: "listen",
      cause,
    });
  }
}

async function acceptAll(
  listener: Deno.TlsListener,
  address: TcpAddress,
  options: ListenFixedOptions,
  pending: Set<Deno.TlsConn>,
): Promise<void> {
  for (;;) {
    try {
      const conn = await listener.accept();
      const [oldest] = pending;
      if (pending.size >= options.pendingHandshakes) oldest?.close();
      pending.add(conn);
      void accept(conn, address, options).finally(() => pending.delete(conn));
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      // One connection that could not be accepted does not stop the others.
    }
  }
}

async function accept(
  conn: Deno.TlsConn,
  address: TcpAddress,
  options: ListenFixedOptions,
): Promise<void> {
  const remoteAddress = addressOf(conn.remoteAddr, address);
  let expired = false;
  using _timer = options.clock.schedule(() => {
    expired = true;
    conn.close();
  }, options.handshakeTimeoutMs);
  try {
    const { alpnProtocol } = await conn.handshake();
    options.onChannel({
      ok: true,
      channel: new ConnChannel(conn),
      facts: {
        security: "one-way-tls",
        remoteAddress,
        localAddress: addressOf(conn.localAddr, address),
        tls: {
          // The platform does not tell; nothing of it is decided on here.
          version: "unknown",
          cipher: "unknown",
          alpn: alpnProtocol ?? undefined,
          peerChain: [],
          resumed: false,
          platformAuthorized: false,
        },
      },
      firstBytes: () => new Uint8Array(0),
      acceptedWith: undefined,
      onlyLooks: () => false,
      settle: () => {},
    });
  } catch (error) {
    if (!expired) conn.close();
    options.onFailure(failureOf(error, expired, remoteAddress));
  }
}

function failureOf(error: unknown, timedOut: boolean, remoteAddress: string): AcceptFailure {
  const cause = error instanceof Error ? error : new Error(String(error));
  return {
    ok: false,
    stage: "tls",
    timedOut,
    firstBytes: new Uint8Array(0),
    remoteAddress,
    expectedTls: true,
    cause,
    ...seenIn(cause),
  };
}

/** The platform tells a broken handshake by its text alone; canaries pin it. */
function seenIn(error: Error): Pick<ChannelFailure, "alertReceived" | "code"> {
  const alert = alertReceived(error.message);
  if (alert !== undefined) return { alertReceived: alert };
  if (!(error instanceof Deno.errors.InvalidData)) return { code: "ECONNRESET" };
  if (error.message.endsWith("of type InvalidContentType")) return { code: NOT_TLS };
  return {
    code: error.message === "peer doesn't support any known protocol"
      ? "ERR_SSL_NO_APPLICATION_PROTOCOL"
      : "ERR_SSL",
  };
}

function addressOf(addr: Deno.Addr, listener: TcpAddress): string {
  return addr.transport === "tcp"
    ? formatAddress({ kind: "tcp", host: addr.hostname, port: addr.port })
    : formatAddress(listener);
}
