import { createPrivateKey, createPublicKey } from "node:crypto";
import { otherEncoding } from "../../identity/mod.ts";
import { withFixedScalar } from "./ec_private_key.ts";
import { writePem } from "../pem_writer.ts";
import { type CredentialRejection, rejection } from "../rejection.ts";
import { fromBase64 } from "../../platform/mod.ts";

/** What is encrypted the old way holds hyphens: `DEK-Info: AES-256-CBC,…`. */
const KEY_BLOCK =
  /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(?:(?!-----BEGIN )[^])*?-----END \1-----/g;

/** What is wrong with a whole block that the platform cannot read. */
const UNSUPPORTED =
  "its private key is damaged or not supported; supported are P-256, P-384 and P-521, Ed25519 " +
  "and RSA (a curve that is written out is named by openssl pkey -in KEY -ec_param_enc named_curve -out NEW)";

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
    const pem = block === undefined ? text : written(block);
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
    return rejection(
      "malformed",
      "key",
      otherEncoding(text) ??
        (block === undefined ? "it is not an unencrypted private key in PEM" : UNSUPPORTED),
    );
  }
}

/** The block as every reader takes it: in lines of 64 characters, its scalar as long as it should be. */
function written([block, label = ""]: RegExpExecArray): string {
  const der = fromBase64(block.replace(/-----[^-]+-----|\s/g, ""));
  const fixed = label === "EC PRIVATE KEY" || label === "PRIVATE KEY"
    ? withFixedScalar(der, label)
    : undefined;
  return writePem(label, fixed ?? der);
}

/** The text of a certificate file without private keys that stand in it, too. */
export function withoutPrivateKeys(text: string): string {
  return text.replace(KEY_BLOCK, "");
}
