import type { Octets } from "./octets.ts";

/** x25519 in NamedGroup (RFC 8446 §4.2.7). */
export const X25519 = 0x001d;

/** Our half of an exchange over x25519 (RFC 8446 §4.2.8.2, §7.4.2). */
export interface KeyShare {
  /** What the other end is sent. */
  readonly share: Octets;
  /** The secret that the other end's share makes with ours. */
  agree(theirs: Octets): Promise<Octets>;
}

/** Makes a fresh share. */
export async function makeKeyShare(): Promise<KeyShare> {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]) as CryptoKeyPair;
  return {
    share: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)),
    agree: async (theirs) => {
      const peer = await crypto.subtle.importKey("raw", theirs, "X25519", false, []);
      const algorithm = { name: "X25519", public: peer };
      return new Uint8Array(await crypto.subtle.deriveBits(algorithm, pair.privateKey, 256));
    },
  };
}
