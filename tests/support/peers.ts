import { X509Certificate } from "node:crypto";
import { type Address, formatAddress, parseAddress } from "../../src/channel/mod.ts";
import {
  assemble,
  type CredentialMaterial,
  type CredentialsSource,
  type OwnCertificate,
} from "../../src/credentials/mod.ts";
import { HandshakeError } from "../../src/errors/mod.ts";
import type { ServerConnectionOptions } from "../../src/http2/mod.ts";
import { Denylist, parsePattern } from "../../src/identity/mod.ts";
import {
  type DialledPeer,
  dialPeer,
  type DialPeerOptions,
  listenForPeers,
  type ListenForPeersOptions,
  type PeerListener,
} from "../../src/peer/mod.ts";
import { makeCertificate, type TestCertificate } from "./certificates.ts";

/** The worker's identity wherever a test does not choose one. */
export const WORKER_ID = "spiffe://example.org/worker";
/** The dispatcher's identity wherever a test does not choose one. */
export const CLIENT_ID = "spiffe://example.org/client/a";

/** What a peer shows and whom it trusts. */
export interface Shown {
  /** What it shows. Default: nothing, one-way TLS. */
  readonly certificate?: TestCertificate;
  /** The authorities it trusts. */
  readonly trusts: readonly TestCertificate[];
  /** The JSON of a denylist. Default: nobody is denied. */
  readonly denylist?: string;
  /** Whether a worker asks for no certificate. Default false. */
  readonly oneWay?: boolean;
}

let generations = 0;

/**
 * Credentials as if a provider had adopted them, whatever is wrong with the certificate: our own checks
 * look at a flawless one, the peer is shown the other.
 */
export function materialOf({ certificate, trusts, denylist, oneWay }: Shown): CredentialMaterial {
  const [anchor] = trusts;
  const fine = makeCertificate({ names: [{ uri: WORKER_ID }], ...(anchor && { issuer: anchor }) });
  const assembled = assemble({
    ca: trusts.map(({ pem }) => pem).join(""),
    ...(certificate === undefined ? { oneWay: true } : { cert: fine.pem, key: fine.keyPem }),
    ...(oneWay === undefined ? {} : { oneWay }),
  }, Date.now());
  if (assembled.kind !== "usable") throw new TypeError(`unusable: ${JSON.stringify(assembled)}`);
  generations += 1;
  const material = {
    ...assembled.material,
    generation: generations,
    denylist: Denylist.parse(denylist ?? "{}"),
  };
  if (certificate === undefined || material.own === undefined) return material;
  const { chainPem: certPem, keyPem } = certificate;
  const { leaf, summary, chain } = material.own;
  return {
    ...material,
    own: {
      certPem,
      keyPem,
      leaf,
      summary: { ...summary, ...datesOf(certificate) },
      chain,
    } as OwnCertificate,
    fingerprint: `${generations}`,
  };
}

function datesOf({ der }: TestCertificate): { notBefore: string; notAfter: string } {
  const { validFrom, validTo } = new X509Certificate(der);
  return {
    notBefore: new Date(validFrom).toISOString(),
    notAfter: new Date(validTo).toISOString(),
  };
}

/** Credentials that a test changes by hand. */
export class TurnableSource implements CredentialsSource {
  #current: CredentialMaterial;
  readonly #listeners = new Set<(material: CredentialMaterial) => void>();

  /** Whether it says that it will not be turned. */
  readonly fixed: boolean;

  /** Begins with this version. */
  constructor(material: CredentialMaterial, fixed = false) {
    this.#current = material;
    this.fixed = fixed;
  }

  current(): CredentialMaterial {
    return this.#current;
  }

  subscribe(listener: (material: CredentialMaterial) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Adopts another version. */
  turn(material: CredentialMaterial): void {
    this.#current = material;
    for (const listener of this.#listeners) listener(material);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** Answers every request with 200 and no body. */
export function answering(): ServerConnectionOptions {
  return {
    onRequest: (stream) => {
      stream.sendHeaders([":status", "200"], true);
      return {
        data: (bytes) => stream.release(bytes.length),
        trailers: () => {},
        closed: () => {},
      };
    },
  };
}

/** Listens as a worker would; allows the clients of `example.org` by default. */
export function listenAs(
  shown: Shown | TurnableSource | undefined,
  options: Partial<ListenForPeersOptions> & { readonly at?: string } = {},
): Promise<PeerListener> {
  const credentials = shown === undefined || shown instanceof TurnableSource
    ? shown
    : new TurnableSource(materialOf(shown), options.nativeTls);
  return listenForPeers(parseAddress(options.at ?? "127.0.0.1:0"), {
    workerId: "worker-1",
    credentials,
    allow: [parsePattern("spiffe://example.org/client/*", { clients: true })],
    onPeer: answering,
    ...options,
  });
}

/** Dials as a dispatcher would; expects the worker of `example.org` by default. */
export function dialAs(
  shown: Shown | CredentialMaterial | undefined,
  address: Address,
  options: Partial<DialPeerOptions> = {},
): Promise<DialledPeer> {
  return dialPeer(address, {
    credentials: shown === undefined || "mode" in shown ? shown : materialOf(shown),
    expected: [parsePattern(WORKER_ID)],
    worker: { address: formatAddress(address) },
    ...options,
  });
}

/** The handshake error that a dial fails with. */
export async function handshakeErrorOf(dial: Promise<DialledPeer>): Promise<HandshakeError> {
  try {
    const { connection } = await dial;
    await connection.shutdown();
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new TypeError("the dial succeeded");
}

/** Sends one request and resolves with how its stream ended. */
export function callOnce({ connection }: Pick<DialledPeer, "connection">): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  connection.open([":method", "GET", ":path", "/", ":scheme", "https", ":authority", "worker"], {
    data: (bytes) => void bytes,
    trailers: () => {},
    closed: ({ how }) => resolve(how),
  }, { endStream: true });
  return promise;
}
