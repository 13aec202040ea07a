import { expandLabel } from "./key_schedule.ts";
import { joined, type Octets, uint } from "./octets.ts";

/** What a record carries (RFC 8446 §5.1). */
export const CONTENT = {
  changeCipherSpec: 20,
  alert: 21,
  handshake: 22,
  applicationData: 23,
} as const;

/** A record's content, in the clear. */
export interface RecordContent {
  /** One of {@linkcode CONTENT}, or whatever was sent. */
  readonly type: number;
  readonly content: Octets;
}

const KEY_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One direction's AES-128-GCM under one traffic secret (RFC 8446 §5.2, §5.3, §7.3). */
export class RecordProtection {
  readonly #key: CryptoKey;
  readonly #iv: Octets;
  #sequence = 0;

  /** Derives key and iv. */
  static async under(secret: Octets): Promise<RecordProtection> {
    const nothing = new Uint8Array(0);
    const raw = await expandLabel(secret, "key", nothing, KEY_BYTES);
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new RecordProtection(key, await expandLabel(secret, "iv", nothing, NONCE_BYTES));
  }

  private constructor(key: CryptoKey, iv: Octets) {
    this.#key = key;
    this.#iv = iv;
  }

  /** A whole record. */
  async seal({ type, content }: RecordContent): Promise<Octets> {
    const inner = joined(content, uint(type, 1));
    const header = recordHeader(CONTENT.applicationData, inner.length + TAG_BYTES);
    const sealed = await crypto.subtle.encrypt(this.#parameters(header), this.#key, inner);
    return joined(header, new Uint8Array(sealed));
  }

  /** What is in the fragment of a record. */
  async open(fragment: Octets): Promise<RecordContent> {
    const header = recordHeader(CONTENT.applicationData, fragment.length);
    const opened = await crypto.subtle.decrypt(this.#parameters(header), this.#key, fragment);
    const inner = new Uint8Array(opened);
    // RFC 8446 §5.4: the type is the last octet that is not zero, zeros are padding.
    const at = inner.findLastIndex((octet) => octet !== 0);
    return { type: inner[at] ?? 0, content: inner.slice(0, Math.max(at, 0)) };
  }

  #parameters(additionalData: Octets): AesGcmParams {
    const iv = this.#iv.slice();
    for (let at = NONCE_BYTES - 1, rest = this.#sequence; rest > 0; at--, rest >>>= 8) {
      iv[at] = (iv[at] ?? 0) ^ (rest & 0xff);
    }
    this.#sequence += 1;
    return { name: "AES-GCM", iv, additionalData };
  }
}

/** The header of a record (RFC 8446 §5.1). */
export function recordHeader(type: number, length: number): Octets {
  return joined(uint(type, 1), uint(0x0303, 2), uint(length, 2));
}
