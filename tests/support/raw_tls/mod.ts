/**
 * A TLS 1.3 peer that says what no TLS library can be brought to say (RFC 8446): TLS_AES_128_GCM_SHA256,
 * x25519, ECDSA over P-256, ALPN h2, a certificate of the client where it is asked for. For tests alone: it
 * verifies nobody, and keeps no secret safe.
 */
export {
  type CertificateEntry,
  certificateMessage,
  certificateVerifyMessage,
  type Side,
  signatureOf,
  signingKey,
} from "./authentication.ts";
export {
  certificateRequest,
  clientHello,
  encryptedExtensions,
  extension,
  helloRetryRequest,
  isRetry,
  messageHash,
  type OfferedByClient,
  readClientHello,
  readServerHello,
  type Retry,
  serverHello,
} from "./hello.ts";
export { makeKeyShare, X25519 } from "./key_share.ts";
export { MESSAGE, message } from "./message.ts";
export { joined, type Octets, uint, vector } from "./octets.ts";
export { connectRaw, readHello } from "./raw_client.ts";
export { type Heard, RawPeer } from "./raw_peer.ts";
export { RecordLayer } from "./record_layer.ts";
export { CONTENT } from "./record_protection.ts";
export { listenRaw, type RawServer } from "./raw_server.ts";
