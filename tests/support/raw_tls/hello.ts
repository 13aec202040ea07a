import { MESSAGE, message } from "./message.ts";
import { ascii, joined, OctetReader, type Octets, uint, vector } from "./octets.ts";
import { sha256 } from "./key_schedule.ts";
import { X25519 } from "./key_share.ts";

const TLS_1_2 = 0x0303;
const TLS_1_3 = 0x0304;
/** TLS_AES_128_GCM_SHA256 (RFC 8446 §B.4). */
const CIPHER_SUITE = 0x1301;
/** ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, rsa_pss_rsae_sha256, ed25519 (RFC 8446 §4.2.3). */
const SIGNATURE_SCHEMES = [0x0403, 0x0503, 0x0804, 0x0807];
/** RFC 7301 §3.1. */
const PROTOCOL = "h2";

const EXTENSION = {
  supportedGroups: 10,
  signatureAlgorithms: 13,
  applicationLayerProtocols: 16,
  supportedVersions: 43,
  cookie: 44,
  keyShare: 51,
} as const;

/** A share of a key exchange over some group, or whatever is said in its place. */
export interface OfferedShare {
  readonly group: number;
  readonly share: Uint8Array;
}

/** What a ClientHello says otherwise than usual. */
export interface HelloChoices {
  /** Its random octets. Default: fresh ones. */
  readonly random?: Uint8Array;
  /** Groups that it supports (RFC 8446 §4.2.7). Default: x25519. */
  readonly groups?: readonly number[];
  /** Cipher suites that it supports. Default: the one that this peer speaks. */
  readonly suites?: readonly number[];
  /** The cookie of a HelloRetryRequest (RFC 8446 §4.2.2). Default: none. */
  readonly cookie?: Uint8Array;
}

/** A client's first message; no session is offered to be resumed (RFC 8446 §4.1.2). */
export function clientHello(
  shares: readonly OfferedShare[],
  { random, groups = [X25519], suites = [CIPHER_SUITE], cookie }: HelloChoices = {},
): Octets {
  return message(
    MESSAGE.clientHello,
    uint(TLS_1_2, 2),
    random ?? crypto.getRandomValues(new Uint8Array(32)),
    vector(1),
    vector(2, ...suites.map((suite) => uint(suite, 2))),
    vector(1, uint(0, 1)),
    vector(
      2,
      extension(EXTENSION.supportedVersions, vector(1, uint(TLS_1_3, 2))),
      extension(EXTENSION.supportedGroups, vector(2, ...groups.map((group) => uint(group, 2)))),
      extension(
        EXTENSION.keyShare,
        vector(2, ...shares.map(({ group, share }) => joined(uint(group, 2), vector(2, share)))),
      ),
      cookie === undefined ? joined() : extension(EXTENSION.cookie, vector(2, cookie)),
      signatureAlgorithms(),
      protocols(),
    ),
  );
}

/** What stands in place of a ServerHello's random octets where it asks for another ClientHello (RFC 8446 §4.1.3). */
const RETRY_RANDOM = Uint8Array.fromHex(
  "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c",
);

/** What a HelloRetryRequest asks for (RFC 8446 §4.1.4). */
export interface Retry {
  /** The group of the share that is wanted. Default: none is. */
  readonly group?: number;
  /** What the client is to send back. Default: nothing. */
  readonly cookie?: Uint8Array;
  /** The cipher suite that was chosen. Default: the one that this peer speaks. */
  readonly suite?: number;
}

/** Asks for another ClientHello (RFC 8446 §4.1.4). */
export function helloRetryRequest(
  sessionId: Octets,
  { group, cookie, suite = CIPHER_SUITE }: Retry,
): Octets {
  return message(
    MESSAGE.serverHello,
    uint(TLS_1_2, 2),
    RETRY_RANDOM,
    vector(1, sessionId),
    uint(suite, 2),
    uint(0, 1),
    vector(
      2,
      extension(EXTENSION.supportedVersions, uint(TLS_1_3, 2)),
      group === undefined ? joined() : extension(EXTENSION.keyShare, uint(group, 2)),
      cookie === undefined ? joined() : extension(EXTENSION.cookie, vector(2, cookie)),
    ),
  );
}

/** Whether a ServerHello asks for another ClientHello. */
export function isRetry(body: Octets): boolean {
  return body.subarray(2, 34).toHex() === RETRY_RANDOM.toHex();
}

/** What stands in the transcript for a ClientHello that was answered with a HelloRetryRequest (RFC 8446 §4.4.1). */
export async function messageHash(hello: Octets): Promise<Octets> {
  return message(MESSAGE.messageHash, await sha256(hello));
}

/** What a server takes from a ClientHello. */
export interface OfferedByClient {
  /** To be sent back as it is (RFC 8446 §4.1.3). */
  readonly sessionId: Octets;
  /** The client's share over x25519. */
  readonly share: Octets;
}

/** Reads a ClientHello. */
export function readClientHello(body: Octets): OfferedByClient {
  const hello = new OctetReader(body);
  hello.take(2 + 32);
  const sessionId = hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  const shares = new OctetReader(extensionOf(hello.vector(2), EXTENSION.keyShare));
  const list = new OctetReader(shares.vector(2));
  while (!list.done) {
    const group = list.uint(2);
    const share = list.vector(2);
    if (group === X25519) return { sessionId, share };
  }
  throw new TypeError("the client offers no share over x25519");
}

/** A server's first message (RFC 8446 §4.1.3). */
export function serverHello(sessionId: Octets, share: Octets): Octets {
  return message(
    MESSAGE.serverHello,
    uint(TLS_1_2, 2),
    crypto.getRandomValues(new Uint8Array(32)),
    vector(1, sessionId),
    uint(CIPHER_SUITE, 2),
    uint(0, 1),
    vector(
      2,
      extension(EXTENSION.supportedVersions, uint(TLS_1_3, 2)),
      extension(EXTENSION.keyShare, uint(X25519, 2), vector(2, share)),
    ),
  );
}

/** The share in a ServerHello. */
export function readServerHello(body: Octets): Octets {
  const hello = new OctetReader(body);
  hello.take(2 + 32);
  hello.vector(1);
  if (hello.uint(2) !== CIPHER_SUITE) throw new TypeError("the server chose another cipher suite");
  hello.take(1);
  const chosen = new OctetReader(extensionOf(hello.vector(2), EXTENSION.keyShare));
  if (chosen.uint(2) !== X25519) throw new TypeError("the server chose another group");
  return chosen.vector(2);
}

/** Says that the protocol is h2 (RFC 8446 §4.3.1). */
export function encryptedExtensions(): Octets {
  return message(MESSAGE.encryptedExtensions, vector(2, protocols()));
}

/** Asks for a certificate (RFC 8446 §4.3.2). */
export function certificateRequest(): Octets {
  return message(MESSAGE.certificateRequest, vector(1), vector(2, signatureAlgorithms()));
}

/** An extension of any message (RFC 8446 §4.2). */
export function extension(type: number, ...content: readonly Uint8Array[]): Octets {
  return joined(uint(type, 2), vector(2, ...content));
}

function signatureAlgorithms(): Octets {
  const schemes = SIGNATURE_SCHEMES.map((scheme) => uint(scheme, 2));
  return extension(EXTENSION.signatureAlgorithms, vector(2, ...schemes));
}

function protocols(): Octets {
  return extension(EXTENSION.applicationLayerProtocols, vector(2, vector(1, ascii(PROTOCOL))));
}

function extensionOf(list: Octets, wanted: number): Octets {
  const extensions = new OctetReader(list);
  while (!extensions.done) {
    const type = extensions.uint(2);
    const content = extensions.vector(2);
    if (type === wanted) return content;
  }
  throw new TypeError(`the hello has no extension ${wanted}`);
}
