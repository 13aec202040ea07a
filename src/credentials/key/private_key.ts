import { createPrivateKey, createPublicKey } from "node:crypto";
import { withFixedScalar } from "./ec_private_key.ts";
import { writePem } from "../pem_writer.ts";
import { type CredentialRejection, rejection } from "../rejection.ts";
import { fromBase64 } from "../../platform/mod.ts";

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
    const pem = block === undefined ? text : withFixedLength(block);
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

function withFixedLength([block, label]: RegExpExecArray): string {
  const fixed = label === "EC PRIVATE KEY" || label === "PRIVATE KEY"
    ? withFixedScalar(fromBase64(block.replace(/-----[^-]+-----|\s/g, "")), label)
    : undefined;
  return fixed === undefined ? `${block}\n` : writePem(label!, fixed);
}

/** The text of a certificate file without private keys that stand in it, too. */
export function withoutPrivateKeys(text: string): string {
  return text.replace(KEY_BLOCK, "");
}
