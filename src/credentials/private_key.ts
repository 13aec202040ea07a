import { createPrivateKey, createPublicKey } from "node:crypto";
import { octetString, sequence, smallInteger } from "./der_writer.ts";
import { writePem } from "./pem_writer.ts";
import { type CredentialRejection, rejection } from "./rejection.ts";
import { fromBase64 } from "../platform/mod.ts";

const KEY_BLOCK = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[^-]*-----END \1-----/g;

/** A private key as it was read. */
export interface ReadPrivateKey {
  /** Its PEM block alone, without what stood around it. */
  readonly pem: string;
  /** Its public half as SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

/**
 * Reads the one private key of a text. What stands around its block is passed over: text, as some tools
 * write it, the parameters of its curve, and certificates, where one file holds the key and its chain.
 */
export function readPrivateKey(text: string): ReadPrivateKey | CredentialRejection {
  const blocks = [...text.matchAll(KEY_BLOCK)];
  const [block] = blocks;
  if (blocks.length > 1) {
    return rejection("malformed", "key", `it holds ${blocks.length} private keys, expected one`);
  }
  try {
    const pem = block === undefined
      ? text
      : block[1] === "EC PRIVATE KEY"
      ? withFixedLength(block[0])
      : `${block[0]}\n`;
    const publicKey = createPublicKey(createPrivateKey(pem));
    return { pem, spki: new Uint8Array(publicKey.export({ type: "spki", format: "der" })) };
  } catch {
    if (block === undefined && text.includes("-----BEGIN CERTIFICATE-----")) {
      return rejection("malformed", "key", "it holds a certificate and no private key");
    }
    if (block?.[1]?.startsWith("ENCRYPTED") === true || text.includes("Proc-Type: 4,ENCRYPTED")) {
      return rejection(
        "malformed",
        "key",
        "it is encrypted; write it without its passphrase: openssl pkey -in KEY -out NEW",
      );
    }
    // The platform's message is left out: it may quote what it could not read.
    return rejection("malformed", "key", "it is not an unencrypted private key in PEM");
  }
}

/** Octets of a scalar on P-256. */
const SCALAR_BYTES = 32;
/** SEQUENCE { INTEGER 1, OCTET STRING …: what an RFC 5915 key begins with, its length aside. */
const VERSION_1 = "2,1,1,4";

/**
 * A P-256 key whose scalar has the fixed length that RFC 5915 §3 asks for. certtool 3.7.9 writes it as the
 * bytes of an INTEGER, half of the time with a zero before it, which the platform does not read.
 */
function withFixedLength(block: string): string {
  const der = fromBase64(block.replace(/-----[^-]+-----|\s/g, ""));
  const size = der[6] ?? 0;
  const scalar = der.subarray(7, 7 + size);
  const odd = der[1] === der.length - 2 && der.subarray(2, 6).join() === VERSION_1 &&
    (size === SCALAR_BYTES + 1 && scalar[0] === 0 || size === SCALAR_BYTES - 1);
  if (!odd) return `${block}\n`;
  const fixed = new Uint8Array(SCALAR_BYTES);
  if (size > SCALAR_BYTES) fixed.set(scalar.subarray(1));
  else fixed.set(scalar, 1);
  const key = sequence(smallInteger(1), octetString(fixed), der.subarray(7 + size));
  return writePem("EC PRIVATE KEY", key);
}

/** The text of a certificate file without private keys that stand in it, too. */
export function withoutPrivateKeys(text: string): string {
  return text.replace(KEY_BLOCK, "");
}
