import type { Socket } from "node:net";
import { connect, createSecureContext, type SecureContext } from "node:tls";
import type { DialSignal } from "../dial_signal.ts";
import type { ChannelFailure, ChannelOutcome, TlsFacts } from "../facts.ts";
import { onHandle } from "./handle_transport.ts";
import { RawDuplex } from "./raw_duplex.ts";
import type { TlsBelow } from "./tls_below.ts";
import { tlsChannel } from "../socket_channel.ts";
import { watchHandshake, withoutSession } from "./tls_platform.ts";
import { onAbort, present } from "../../values/mod.ts";

/**
 * Offered by ALPN, besides `h2`, by a client that only probes a certificate: so that a worker need not
 * report a client without a certificate. It earns nobody anything.
 */
export const PROBE_PROTOCOL = "selvage-look";

/** TLS versions that can be asked for. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** Our certificate and its key, PEM. */
export interface TlsIdentity {
  /** The chain, leaf first. */
  readonly certificate: string;
  /** The private key. */
  readonly key: string;
}

/** What the platform's TLS is given, prepared once for one set of credentials. */
export interface ClientTls {
  /** Made by {@linkcode clientContext}. */
  readonly context: SecureContext;
  /** Whether the context holds a certificate of ours. */
  readonly mutual: boolean;
  /** The name sent to the server (SNI); what is verified is decided elsewhere. Default: none. */
  readonly serverName?: string | undefined;
  /** Probes a certificate without trusting it, on a connection that carries nothing. Default false. */
  readonly diagnosing?: boolean | undefined;
  /**
   * Decides, before our certificate leaves, whether this server may see it. In TLS 1.3 only: before that,
   * there is nothing to decide by. Default: whomever the platform trusts.
   */
  readonly admits?: ((server: TlsFacts) => Promise<boolean>) | undefined;
  /** Offers no protocol by ALPN, for a server that knows none of ours. Default false. */
  readonly withoutProtocol?: boolean | undefined;
}

/** What a client's TLS is made of. */
export interface ClientTlsMaterial {
  /** Trust anchors, PEM. */
  readonly ca: readonly string[];
  /** Our certificate. Default: none, only the server proves itself. */
  readonly identity?: TlsIdentity;
  /** The oldest version spoken. */
  readonly minVersion: TlsVersion;
}

/** Prepares the platform's TLS for dialling. */
export function clientContext(material: ClientTlsMaterial): SecureContext {
  return createSecureContext({
    // To the platform an absent `ca` means the public roots; an empty one trusts nobody.
    ca: [...material.ca],
    cert: material.identity?.certificate,
    key: material.identity?.key,
    minVersion: material.minVersion,
  });
}

/** Completes the handshake on a connected socket. Verification is the platform's here; ours follows. */
export async function secureClient(
  raw: Socket,
  tls: ClientTls,
  remoteAddress: string,
  signal: DialSignal,
): Promise<ChannelOutcome> {
  const { promise, resolve, reject } = Promise.withResolvers<ChannelOutcome>();
  const kept = tls.admits === undefined ? undefined : new RawDuplex(raw, "peer");
  kept?.withhold();
  const below = kept ?? onHandle(raw, "peer") ?? new RawDuplex(raw, "peer");
  const socket = connect({
    socket: below.stream,
    secureContext: tls.context,
    ...present({ servername: tls.serverName }),
    ALPNProtocols: protocolsOf(tls),
    rejectUnauthorized: tls.diagnosing !== true,
    checkServerIdentity: acceptsAnyName,
  });
  withoutSession(socket);
  below.carry(socket);
  const stop = (): void => {
    socket.destroy();
    raw.destroy();
  };
  const onTimeout = (): void => {
    resolve(failure("tls", below, { timedOut: true }));
    stop();
  };
  let presented: TlsFacts | undefined;
  const endWatch = watchHandshake(socket, below, {
    secured: (facts) => {
      presented = facts;
      void tls.admits?.(facts).then((admitted) => {
        if (admitted) kept?.sendWithheld();
      });
    },
    failed: ({ refusedCertificate, ...found }) =>
      resolve(failure(refusedCertificate ? "certificate" : "tls", below, found)),
  });
  const onClose = (): void => resolve(failure("certificate", below, present({ tls: presented })));
  // The platform's own decision follows what it has shown to `secured`.
  socket.once("secureConnect", () => {
    if (presented === undefined) return onTimeout();
    const channel = tlsChannel(socket, below);
    endWatch();
    socket.removeListener("close", onClose);
    const security = tls.mutual ? "mutual-tls" : "one-way-tls";
    const facts = { security, remoteAddress, tls: presented } as const;
    resolve({ ok: true, channel, facts, firstBytes: () => below.firstBytes });
  });
  socket.on("close", onClose);
  if (signal.timeout.aborted) onTimeout();
  using _timeout = onAbort(signal.timeout, onTimeout);
  using _aborted = onAbort(signal.aborted, () => {
    reject(signal.aborted?.reason);
    stop();
  });
  return await promise;
}

/** Names are judged by our verdict, from the DER. */
function acceptsAnyName(): undefined {}

function protocolsOf({ diagnosing = false, withoutProtocol = false }: ClientTls): string[] {
  if (withoutProtocol) return [];
  return diagnosing ? ["h2", PROBE_PROTOCOL] : ["h2"];
}

function failure(
  stage: ChannelFailure["stage"],
  below: TlsBelow,
  found: Partial<ChannelFailure>,
): ChannelFailure {
  return { ok: false, stage, timedOut: false, firstBytes: below.firstBytes, ...found };
}
