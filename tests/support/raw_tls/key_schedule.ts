import { ascii, joined, type Octets, uint, vector } from "./octets.ts";

/** The length of a SHA-256 hash, and so of every secret. */
const HASH_BYTES = 32;
const NOTHING = new Uint8Array(0);
const ZEROS = new Uint8Array(HASH_BYTES);

/** The secret of either side. */
export interface Secrets {
  /** Protects what the client sends. */
  readonly client: Octets;
  /** Protects what the server sends. */
  readonly server: Octets;
}

/** The secrets of a handshake, and what those of the application are made from (RFC 8446 §7.1). */
export interface HandshakeSecrets extends Secrets {
  /** The Master Secret. */
  readonly master: Octets;
}

/** From the shared secret of the key exchange and the hash of both hellos. */
export async function handshakeSecrets(
  shared: Octets,
  hellos: Octets,
): Promise<HandshakeSecrets> {
  const early = await hmac(ZEROS, ZEROS);
  const handshake = await hmac(await derived(early), shared);
  return {
    client: await expandLabel(handshake, "c hs traffic", hellos, HASH_BYTES),
    server: await expandLabel(handshake, "s hs traffic", hellos, HASH_BYTES),
    master: await hmac(await derived(handshake), ZEROS),
  };
}

/** From the hash of everything up to and with the server's Finished. */
export async function applicationSecrets(master: Octets, transcript: Octets): Promise<Secrets> {
  return {
    client: await expandLabel(master, "c ap traffic", transcript, HASH_BYTES),
    server: await expandLabel(master, "s ap traffic", transcript, HASH_BYTES),
  };
}

/** What follows a traffic secret when its key changes (RFC 8446 §7.2). */
export async function nextTrafficSecret(secret: Octets): Promise<Octets> {
  return await expandLabel(secret, "traffic upd", NOTHING, HASH_BYTES);
}

/** What proves, in Finished, that the sender has seen the same messages (RFC 8446 §4.4.4). */
export async function verifyData(secret: Octets, transcript: Octets): Promise<Octets> {
  return await hmac(await expandLabel(secret, "finished", NOTHING, HASH_BYTES), transcript);
}

/** HKDF-Expand-Label; one block of HKDF-Expand (RFC 5869 §2.3), for nothing here is longer. */
export async function expandLabel(
  secret: Octets,
  label: string,
  context: Octets,
  length: number,
): Promise<Octets> {
  const info = joined(
    uint(length, 2),
    vector(1, ascii(`tls13 ${label}`)),
    vector(1, context),
    uint(1, 1),
  );
  return (await hmac(secret, info)).slice(0, length);
}

/** SHA-256. */
export async function sha256(octets: Octets): Promise<Octets> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
}

async function derived(secret: Octets): Promise<Octets> {
  return await expandLabel(secret, "derived", await sha256(NOTHING), HASH_BYTES);
}

/** HMAC-SHA-256, which is HKDF-Extract too. */
async function hmac(key: Octets, octets: Octets): Promise<Octets> {
  const imported = await crypto.subtle.importKey(
    "raw",
    key,
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, octets));
}
